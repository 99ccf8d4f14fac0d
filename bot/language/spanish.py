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
    stopped_one="He parado.",
    stopped_many="He parado. Así quedan {count} mensajes sin respuesta.",
    nothing_to_stop="No había nada que parar.",
    renewed="Esta es una conversación nueva. He olvidado la anterior.",
    renewed_later="Esta es una conversación nueva. Termino lo que se pidió antes y después lo"
    " olvido.",
    running="Llevo {seconds} s preparando una respuesta para {name}.",
    quiet="Ahora mismo no estoy respondiendo a nada.",
    waiting_one="Hay un mensaje en espera.",
    waiting_many="Hay {count} mensajes en espera.",
    session_hot="Nuestra conversación está abierta; respuestas hasta ahora: {turns}.",
    session_warm="Nuestra conversación está en pausa y puede continuar; respuestas hasta ahora:"
    " {turns}.",
    session_cold="El próximo mensaje empezará una conversación nueva.",
    usage="Esta conversación: {dollars} dólares estadounidenses; respuestas: {turns}.",
    usage_all="Todas mis conversaciones que se conservan ({sessions}): {dollars} dólares"
    " estadounidenses; respuestas: {turns}.",
    not_allowed="Aquí «{command}» está reservado a quienes me administran.",
    commands="La petición se escribe después de mi nombre. Estas palabras, solas después de él,"
    " las obedezco al momento:",
    does_stop="para lo que ha pedido la misma persona y aún no he respondido.",
    does_stop_all="para todo lo que se ha pedido aquí y aún no he respondido.",
    does_new="empieza una conversación nueva, y olvida esta en cuanto haya respondido a lo que"
    " se pidió antes.",
    does_status="dice qué estoy haciendo.",
    does_help="muestra esto.",
    does_usage="dice cuánto ha costado esta conversación.",
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
    busy="Todavía me ocupa otro mensaje aquí, así que dejo este sin responder. Conviene"
    " volver a preguntar más tarde.",
    busy_more="Todavía me ocupa otro mensaje aquí, así que dejo {count} mensajes sin responder."
    " Conviene volver a preguntar más tarde.",
    too_many="Aquí ya me esperan demasiados mensajes de la misma persona, así que dejo este"
    " sin responder. Conviene volver a preguntar más tarde.",
    too_many_more="Aquí ya me esperan demasiados mensajes de la misma persona, así que dejo otros"
    " {count} sin responder. Conviene volver a preguntar más tarde.",
    crowded="En esta sala ya me esperan demasiados mensajes, así que dejo este sin responder."
    " Conviene volver a preguntar más tarde.",
    crowded_more="En esta sala ya me esperan demasiados mensajes, así que dejo {count} sin"
    " responder. Conviene volver a preguntar más tarde.",
)
