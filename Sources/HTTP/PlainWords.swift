/// Words that a service may say of what went wrong, and that name nobody and nothing.
///
/// Messages of services quote ids, numbers and names of people, in any form: so what may be told are known words, and not
/// what looks harmless.
enum PlainWords {
    /// The known words of a text, in their order; what stands between them is one `…`.
    static func told(of text: String) -> String {
        var told: [Substring] = []
        let words = text.split { !isPart($0) }
        for word in words.map({ $0.trimmingMarks }) where !word.isEmpty {
            if known.contains(word.lowercased()) {
                told.append(word)
            } else if told.last != "…" {
                told.append("…")
            }
        }
        return told == ["…"] ? "" : told.joined(separator: " ")
    }

    /// An address or a name with marks in it is one word, and not several that are known.
    private static func isPart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || "@._-+'\\/%&*#$".contains(character)
    }

    private static let known: Set<String> = Set(
        """
        a about above access account accepted action address after again all allowed already also an and another answer any api \
        application are argument as at attempt audio authentication authenticated authorization authorized available bad be because \
        been before begin below between blocked body both bulk busy by call calls can can't cannot certificate change changed client closed \
        code collection complete completed condition configuration configured conflict connect connection connections contact content \
        contains could couldn't create created credentials csrf currently data database date decrypt decryption default delete deleted \
        demand denied device didn't disabled disk do document does doesn't doing done don't down duplicate during element empty enabled \
        encountered encrypted encryption end entity error errors exceeded exception exist exists expected expired failed failure field file \
        files first for forbidden found from full gateway get given gone group had handle has have header headers here host html http https \
        if implemented in incomplete incorrect index initialized input insufficient interaction internal invalid is isn't it its json key \
        keys large last later left length limit limited link list locked login long longer maintenance making malformed many match maximum \
        may media medium message metadata method minimum misconfiguration missing modified more moment moved must name named \
        needed network new next nginx no none not nothing now null number object of off offline old on one only open operation or other out \
        overloaded page parameter parameters parse partial partly password path payload pending perform permanently permission permissions \
        permitted please pool port possible precondition present problem process processing property provided proxy put query quota range \
        rate read reached ready reason received record recording recordings refused region rejected remote removed request requested \
        requests required reset resource resources response resubmit retrieve retry return returned root rule run running screen search \
        secure seconds see send sent server servers service services session set setting settings shard should shutdown site size \
        something source space specified start started state status statuscode statusmessage still stop stopped storage store stream \
        supported syntax system temporarily temporary that the there these this those time timed timeout times to token too tried try type \
        unable unauthenticated unauthorized unavailable unexpected unhandled unknown unprocessable unreachable unsupported until up update \
        upgrade upload upstream uri url use used user using valid value values version video wait was web went were when which while will \
        with within without word wrong xml yet you your 400 401 403 404 405 408 409 411 412 413 415 422 423 429 500 501 502 503 504 507
        """.split { $0 == " " || $0 == "\n" }.map(String.init))
}

extension Substring {
    /// Without full stops and quotes around it.
    fileprivate var trimmingMarks: Substring {
        let marks: Set<Character> = [".", "'", "-", "*", "/"]
        var word = drop { marks.contains($0) }
        while let last = word.last, marks.contains(last) { word = word.dropLast() }
        return word
    }
}
