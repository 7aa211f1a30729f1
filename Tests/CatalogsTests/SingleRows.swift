import Catalogs
import Postgres
import Vocabulary

/// The replay's rows one at a time, for tests: production writes them as batches.
extension ReplayCatalog {
    func ensureCall(_ call: SourceCall, known: Int64? = nil, on session: Session) throws -> Int64 {
        try ensureCalls([CallWish(call, known: known)], on: session)[0].id
    }

    func ensureRecording(
        _ recording: SourceRecording, callID: Int64, on session: Session
    ) throws -> (id: Int64, isNew: Bool) {
        guard let one = try ensureRecordings([(recording, callID)], on: session)[recording.sid] else {
            throw CatalogError(code: .ignored, sentence: "A recording that was ensured is not in the answer.")
        }
        return (one.id, one.isNew)
    }

    func refreshCall(_ id: Int64, on session: Session) throws { try refreshCalls([id], on: session) }

    @discardableResult
    func adopt(_ recording: SourceRecording, into id: Int64, on session: Session) throws -> Bool {
        try adopt([(id: id, recording: recording)], on: session) > 0
    }

    @discardableResult
    func complete(_ id: Int64, from recording: SourceRecording, on session: Session) throws -> Bool {
        try complete([(id: id, recording: recording)], on: session) > 0
    }

    @discardableResult
    func attach(_ data: some Sequence<ExternalDatum>, to id: Int64, on session: Session) throws -> Int {
        try attach([(id: id, data: Array(data))], on: session)
    }

    func addMedia(_ media: MediaRow, to id: Int64, on session: Session) throws -> Int64 {
        try addMedia([(media, id)], on: session)[0]
    }

    func replaceMedia(_ id: Int64, with media: MediaRow, on session: Session) throws {
        try replaceMedia([(id, media)], on: session)
    }
}
