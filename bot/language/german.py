"""The sentences in German, without du or Sie: a request is put in the infinitive."""

from bot.language.phrases import Phrases

GERMAN = Phrases(
    bare="Ja? Was gebraucht wird, bitte gleich hinter meinen Namen schreiben, in dieselbe"
    " Nachricht.",
    working="Ich bin noch dabei.",
    bug="Bei mir ist etwas schiefgegangen, darum bleibt diese Nachricht ohne Antwort."
    " Wer mich betreibt, kann sehen, warum.",
    crashed="Ich bin bei jedem Versuch abgestürzt, diese Nachricht zu beantworten, darum lasse"
    " ich es. Wer mich betreibt, kann sehen, warum.",
    left_out="Ich habe auch Dateien erzeugt, die zu groß oder zu viele sind, um hier zu erscheinen:"
    " {names}.",
    looped="Es sieht so aus, als antworteten eine Maschine und ich nur noch einander, darum höre"
    " ich hier auf. Ich antworte wieder, wenn ein Mensch mich anspricht, oder nach einer halben"
    " Stunde Pause.",
    stopped_one="Ich habe aufgehört.",
    stopped_many="Ich habe aufgehört. {count} Nachrichten bleiben damit ohne Antwort.",
    nothing_to_stop="Da war nichts, womit ich hätte aufhören können.",
    renewed="Dies ist ein neues Gespräch. Das vorige habe ich vergessen.",
    renewed_later="Dies ist ein neues Gespräch. Was vorher gefragt wurde, beantworte ich noch,"
    " und dann vergesse ich es.",
    running="Ich arbeite seit {seconds} s an einer Antwort für {name}.",
    quiet="Ich beantworte gerade nichts.",
    waiting_one="Eine Nachricht wartet.",
    waiting_many="{count} Nachrichten warten.",
    session_hot="Unser Gespräch ist offen; Antworten bisher: {turns}.",
    session_warm="Unser Gespräch ruht und kann weitergehen; Antworten bisher: {turns}.",
    session_cold="Die nächste Nachricht beginnt ein neues Gespräch.",
    usage="Dieses Gespräch: {dollars} US-Dollar; Antworten: {turns}.",
    usage_all="Alle meine Gespräche, die noch aufbewahrt sind ({sessions}): {dollars}"
    " US-Dollar; Antworten: {turns}.",
    not_allowed="„{command}“ dürfen hier nur diejenigen verwenden, die mich betreiben.",
    commands="Was gebraucht wird, bitte hinter meinen Namen schreiben. Diesen Wörtern, allein"
    " dahinter, folge ich sofort:",
    does_stop="beendet die eigenen Anliegen, die ich noch nicht beantwortet habe.",
    does_stop_all="beendet alles, was ich hier gefragt wurde und noch nicht beantwortet habe.",
    does_new="beginnt ein neues Gespräch und vergisst dieses, sobald beantwortet ist, was"
    " vorher gefragt wurde.",
    does_status="sagt, was ich gerade tue.",
    does_help="sagt dies hier.",
    does_usage="sagt, wie viel dieses Gespräch gekostet hat.",
    overloaded="Das Modell ist gerade überlastet. Bitte in ein paar Minuten noch einmal versuchen.",
    unavailable="Das Modell ist gerade nicht erreichbar. Bitte in ein paar Minuten noch einmal"
    " versuchen.",
    rate_limit="Das Modell nimmt gerade keine weiteren Anfragen von mir an. Bitte in ein paar"
    " Minuten noch einmal versuchen.",
    billing="Das Guthaben beim Anbieter des Modells ist aufgebraucht. Darum muss sich kümmern,"
    " wer mich betreibt.",
    key="Das Modell nimmt meinen Schlüssel nicht an. Darum muss sich kümmern, wer mich betreibt.",
    max_turns="Das hat mehr Schritte gebraucht, als ich machen darf. Bitte weniger auf einmal"
    " fragen.",
    budget="Mein Budget für dieses Gespräch ist aufgebraucht. Wer mich betreibt, kann es erhöhen.",
    model_failed="Das Modell konnte diese Nachricht nicht beantworten.",
    timed_out="Das hat zu lange gedauert, darum habe ich abgebrochen. Bitte noch einmal"
    " versuchen oder weniger auf einmal fragen.",
    not_started="Ich konnte gar nicht erst anfangen, über diese Nachricht nachzudenken."
    " Wer mich betreibt, kann sehen, warum.",
    no_place="Ich habe gerade in zu vielen anderen Räumen zu tun. Bitte in ein paar Minuten noch"
    " einmal versuchen.",
    died="Ich bin beim Nachdenken über diese Nachricht zweimal unterbrochen worden. Bitte noch"
    " einmal versuchen.",
    busy="Ich bin hier noch mit einer anderen Nachricht beschäftigt und lasse diese aus."
    " Bitte später noch einmal fragen.",
    busy_more="Ich bin hier noch mit einer anderen Nachricht beschäftigt und lasse {count}"
    " Nachrichten aus. Bitte später noch einmal fragen.",
    too_many="Hier warten schon zu viele Nachrichten derselben Person auf mich, darum lasse"
    " ich diese aus. Bitte später noch einmal fragen.",
    too_many_more="Hier warten schon zu viele Nachrichten derselben Person auf mich, darum lasse"
    " ich {count} weitere aus. Bitte später noch einmal fragen.",
    crowded="In diesem Raum warten schon zu viele Nachrichten auf mich, darum lasse ich diese"
    " aus. Bitte später noch einmal fragen.",
    crowded_more="In diesem Raum warten schon zu viele Nachrichten auf mich, darum lasse ich"
    " {count} davon aus. Bitte später noch einmal fragen.",
)
