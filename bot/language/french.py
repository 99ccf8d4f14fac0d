# ruff: noqa: RUF001 - the no-break spaces of French, before "?" and ":"
"""The sentences in French, without tu or vous, and without a gender for anybody."""

from bot.language.phrases import Phrases

FRENCH = Phrases(
    bare="Oui ? Merci d'écrire la demande après mon nom, dans le même message.",
    working="J'y travaille encore.",
    bug="Un problème est survenu de mon côté et je n'ai pas pu répondre à ce message."
    " La personne qui m'administre peut en voir la cause.",
    crashed="Chaque tentative de réponse à ce message m'a fait planter, alors je le laisse de"
    " côté. La personne qui m'administre peut en voir la cause.",
    left_out="J'ai aussi créé des fichiers trop volumineux ou trop nombreux pour être envoyés"
    " ici\N{NO-BREAK SPACE}: {names}.",
    looped="On dirait qu'une machine et moi ne faisons plus que nous répondre, alors je m'arrête"
    " là. Je répondrai de nouveau quand une personne s'adressera à moi, ou après une demi-heure"
    " de pause.",
    stopped_one="J'ai arrêté.",
    stopped_many="J'ai arrêté. {count} messages restent ainsi sans réponse.",
    nothing_to_stop="Il n'y avait rien à arrêter.",
    renewed="C'est une nouvelle conversation. J'ai oublié la précédente.",
    renewed_later="C'est une nouvelle conversation. Je termine ce qui a été demandé avant, puis"
    " je l'oublie.",
    running="Je prépare une réponse pour {name} depuis {seconds} s.",
    quiet="Je ne réponds à rien en ce moment.",
    waiting_one="Un message attend.",
    waiting_many="{count} messages attendent.",
    session_hot="Notre conversation est ouverte, réponses jusqu'ici : {turns}.",
    session_warm="Notre conversation est en pause et peut reprendre, réponses jusqu'ici : {turns}.",
    session_cold="Le prochain message commencera une nouvelle conversation.",
    usage="Cette conversation : {dollars} dollars américains, réponses : {turns}.",
    usage_all="Toutes mes conversations conservées ({sessions}) : {dollars} dollars américains,"
    " réponses : {turns}.",
    not_allowed="« {command} » est réservé ici aux personnes qui m'administrent.",
    commands="La demande s'écrit après mon nom. À ces mots, seuls après lui, j'obéis aussitôt :",
    does_stop="arrête ce que la même personne a demandé et qui est encore sans réponse.",
    does_stop_all="arrête tout ce qui a été demandé ici et qui est encore sans réponse.",
    does_new="commence une nouvelle conversation, et oublie celle-ci une fois que tout ce qui a"
    " été demandé avant a sa réponse.",
    does_status="dit ce que je fais.",
    does_help="affiche ceci.",
    does_usage="dit combien cette conversation a coûté.",
    overloaded="Le modèle est surchargé en ce moment. Merci de réessayer dans quelques minutes.",
    unavailable="Le modèle est injoignable en ce moment. Merci de réessayer dans quelques minutes.",
    rate_limit="La limite de requêtes du modèle est atteinte. Merci de réessayer dans quelques"
    " minutes.",
    billing="Le compte du modèle n'a plus de crédit. La personne qui m'administre doit s'en"
    " occuper.",
    key="Le modèle n'accepte pas ma clé. La personne qui m'administre doit s'en occuper.",
    max_turns="Cela demandait plus d'étapes que je n'ai le droit d'en faire. Merci de demander"
    " moins de choses à la fois.",
    budget="Mon budget pour cette conversation est épuisé. La personne qui m'administre peut"
    " l'augmenter.",
    model_failed="Le modèle n'a pas pu répondre à ce message.",
    timed_out="Cela prenait trop de temps, alors j'ai arrêté. Merci de réessayer, ou de demander"
    " moins de choses à la fois.",
    not_started="Je n'ai même pas pu commencer à réfléchir à ce message. La personne qui"
    " m'administre peut en voir la cause.",
    no_place="Trop d'autres salons m'occupent en ce moment. Merci de réessayer dans quelques"
    " minutes.",
    died="Ma réflexion sur ce message s'est interrompue deux fois. Merci de réessayer.",
    busy="Un autre message m'occupe encore ici, alors je laisse celui-ci de côté. Merci de"
    " redemander plus tard.",
    busy_more="Un autre message m'occupe encore ici, alors je laisse {count} messages de côté."
    " Merci de redemander plus tard.",
    too_many="Trop de messages de la même personne m'attendent déjà ici, alors je laisse"
    " celui-ci de côté. Merci de redemander plus tard.",
    too_many_more="Trop de messages de la même personne m'attendent déjà ici, alors j'en laisse"
    " encore {count} de côté. Merci de redemander plus tard.",
    crowded="Trop de messages m'attendent déjà dans ce salon, alors je laisse celui-ci de"
    " côté. Merci de redemander plus tard.",
    crowded_more="Trop de messages m'attendent déjà dans ce salon, alors j'en laisse {count} de"
    " côté. Merci de redemander plus tard.",
)
