package import Postgres
internal import Vocabulary

extension ReplayCatalog {
    /// Adds media rows. One statement for any number.
    /// - Returns: `cfiles.id` at the replay, in the order given.
    /// - Throws: ``CatalogError`` `path` where the replay's encoding can't hold the bytes of a path.
    package func addMedia(_ media: [(row: MediaRow, recordingID: Int64)], on session: Session) throws -> [Int64] {
        let rows = try media.map { row, id -> [(String, Value)] in
            [("cplid", .integer(id)), ("cftype", .text(row.kind.rawValue))] + (try facts(of: row))
        }
        return try insert(into: "cfiles", mediaIdentity, rows, on: session)
    }

    /// Gives media rows other files, in place: their ids and the voice tags on them stay, and it works on a protected
    /// recording, where deleting is refused. One statement for any number.
    /// - Throws: ``CatalogError`` `gone` where there is no such row of this kind.
    package func replaceMedia(_ media: [(id: Int64, row: MediaRow)], on session: Session) throws {
        if media.isEmpty { return }
        let (statement, values) = try replacement(media)
        let count = try session.execute(statement, values)
        guard count == media.count else {
            throw CatalogError(
                code: .gone,
                sentence: "The replay has \(media.count - count) media rows less of those that were to be replaced.")
        }
    }

    func replacement(_ media: [(id: Int64, row: MediaRow)]) throws -> (statement: String, values: [Value]) {
        let typed = TypedRows(
            try media.map { try facts(of: $0.row) }, of: "cfiles", columns, keepsEmpty: true)
        let sets = typed.names.enumerated().map { "\($1) = \(typed.value($0))" }.joined(separator: ", ")
        let statement = """
            update callrec.cfiles f set \(sets)
            from \(typed.source([("id", "bigint"), ("kind", "text")]))
            where f.id = given.id and f.cftype = given.kind
            """
        return (statement, [.integers(media.map(\.id)), .texts(media.map(\.row.kind.rawValue))] + typed.values)
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
