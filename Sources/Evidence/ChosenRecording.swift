internal import Ledger
internal import Postgres
internal import Vocabulary

/// A recording as an operator names it: by its sid, or `SOURCE/ID` as status and journal do.
enum ChosenRecording {
    static func sid(_ text: String, in session: Session) throws -> Sid {
        if let slash = text.lastIndex(of: "/"), let id = Int64(text[text.index(after: slash)...]) {
            let name = SourceName(String(text[..<slash]))
            if let sighting = try Sightings.find(source: name, ids: [id], in: session)[id] { return sighting.sid }
        }
        return Sid(text)
    }
}
