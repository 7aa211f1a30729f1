internal import Ledger
internal import Postgres
internal import Settings
internal import Vocabulary

/// How an operator names one recording: by its sid, or as status and journal name it, `SOURCE/ID`.
package struct RecordingChoice: Hashable, Sendable {
    package let text: String
    package init(_ text: String) { self.text = text }

    /// The reference that the text can be read as; nil where no source of the settings has that name.
    func reference(in settings: Settings) -> RecordingReference? {
        guard let slash = text.lastIndex(of: "/"), let id = Int64(text[text.index(after: slash)...]) else { return nil }
        let name = SourceName(String(text[..<slash]))
        return settings.sources.contains { $0.name == name } ? RecordingReference(source: name, id: id) : nil
    }

    /// The sid; where the ledger knows no recording by that reference, the text itself.
    func sid(settings: Settings, in session: Session) throws -> Sid {
        guard let reference = reference(in: settings),
            let sighting = try Sightings.find(source: reference.source, ids: [reference.id], in: session)[reference.id]
        else { return Sid(text) }
        return sighting.sid
    }
}
