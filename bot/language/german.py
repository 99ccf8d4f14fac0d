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
)
