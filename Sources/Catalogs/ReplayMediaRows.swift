package import Postgres
internal import Vocabulary

extension ReplayCatalog {
    /// Adds a media row.
    /// - Returns: `cfiles.id` at the replay.
    /// - Throws: ``CatalogError`` `path` where the replay's encoding can't hold the path's bytes.
    package func addMedia(_ media: MediaRow, to id: Int64, on session: Session) throws -> Int64 {
        let fixed: [(String, Value)] = [("cplid", .integer(id)), ("cftype", .text(media.kind.rawValue))]
        return try insert(into: "cfiles", mediaIdentity, fixed + facts(of: media), on: session)
    }

    /// Gives a media row another file, in place: its id and the voice tags on it stay, and it works on a protected
    /// recording, where deleting is refused.
    /// - Throws: ``CatalogError`` `gone` where there is no such row of this kind.
    package func replaceMedia(_ mediaID: Int64, with media: MediaRow, on session: Session) throws {
        let known = try facts(of: media).filter { columns.has($0.0, in: "cfiles") }
        let sets = known.enumerated().map { "\($1.0) = $\($0 + 3)" }.joined(separator: ", ")
        let count = try session.execute(
            "update callrec.cfiles set \(sets) where id = $1 and cftype = $2",
            [.integer(mediaID), .text(media.kind.rawValue)] + known.map(\.1))
        guard count == 1 else {
            throw CatalogError(code: .gone, sentence: "The replay has no media row \(mediaID) of that kind any more.")
        }
    }

    /// Every column that says something about the file; without a value where the file has none.
    private func facts(of media: MediaRow) throws -> [(String, Value)] {
        guard columns.takesAnyBytes || media.path.utf8Text != nil else {
            throw CatalogError(
                code: .path, sentence: "A path has bytes that are not UTF-8, and the replay's database takes no others."
            )
        }
        let checked = media.crc32 != nil
        let fixed: [(String, Value)] = [
            ("cfpath", .rawText(media.path.bytes)), ("cfsize", .integer(media.storedSize)),
            ("enc_key_id", Value(media.keyID)), ("start_ts", Value(media.start)), ("stop_ts", Value(media.stop)),
            ("props", Value(media.properties)),
            ("cktype", Value(checked ? "CRC32" : media.carried["cktype"])),
            ("ckvalue", checked ? Value(media.crc32.map { Int64($0) }) : Value(media.carried["ckvalue"])),
        ]
        let carried = ["digest", "direction"].map { ($0, Value(media.carried[$0])) }
        return fixed + carried
    }
}
