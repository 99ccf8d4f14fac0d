"""The sentences in Spanish, without tú or usted: a request is made without a person."""

from bot.language.phrases import Phrases

SPANISH = Phrases(
    bare="¿Sí? Basta con escribir la petición después de mi nombre, en el mismo mensaje.",
    working="Sigo en ello.",
    bug="Algo ha fallado por mi parte y no he podido responder a este mensaje."
    " Quien me administra puede ver por qué.",
    crashed="He fallado cada vez que intentaba responder a este mensaje, así que lo dejo."
    " Quien me administra puede ver por qué.",
    left_out="También creé archivos demasiado grandes, o demasiados, para enviarlos aquí: {names}.",
    looped="Parece que una máquina y yo solo nos respondemos mutuamente, así que lo dejo aquí."
    " Volveré a responder cuando me hable una persona, o tras media hora de pausa.",
    overloaded="El modelo está sobrecargado en este momento. Conviene volver a intentarlo dentro"
    " de unos minutos.",
    unavailable="No consigo conectar con el modelo en este momento. Conviene volver a intentarlo"
    " dentro de unos minutos.",
    rate_limit="Se ha alcanzado el límite de peticiones del modelo. Conviene volver a intentarlo"
    " dentro de unos minutos.",
    billing="La cuenta del modelo se ha quedado sin saldo. Tiene que ocuparse quien me administra.",
    key="El modelo no acepta mi clave. Tiene que ocuparse quien me administra.",
    max_turns="Esto requería más pasos de los que puedo dar. Conviene pedir menos cosas a la vez.",
    budget="Mi presupuesto para esta conversación se ha agotado. Quien me administra puede"
    " ampliarlo.",
    model_failed="El modelo no ha podido responder a este mensaje.",
    timed_out="Esto tardaba demasiado, así que lo he dejado. Conviene volver a intentarlo, o pedir"
    " menos cosas a la vez.",
    not_started="Ni siquiera he podido empezar a pensar en este mensaje. Quien me administra puede"
    " ver por qué.",
    no_place="Ahora mismo tengo demasiado que hacer en otras salas. Conviene volver a intentarlo"
    " dentro de unos minutos.",
    died="Me he interrumpido dos veces mientras pensaba en este mensaje. Conviene volver a"
    " intentarlo.",
)
