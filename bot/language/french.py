"""The sentences in French, without tu or vous, and without a gender for anybody."""

from bot.language.phrases import Phrases

FRENCH = Phrases(
    bare="Oui\N{NO-BREAK SPACE}? Merci d'écrire la demande après mon nom, dans le même message.",
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
)
