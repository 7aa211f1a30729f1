internal import Postgres
internal import Vocabulary

/// Turns rows of a source into recordings, each by itself: what is wrong with one is said of that one.
struct SourceReading {
    let catalog: SourceCatalog

    /// Of both generations. Another one may mean anything, and a mark would promise that it means nothing more to come.
    static let knownStates: Set<String> = ["EXT_DATA_SAVED", "DECODED", "FINISHED"]

    /// A sentence about one row.
    private struct Refusal: Error {
        let sentence: String
        init(_ sentence: String) { self.sentence = sentence }
    }

    func row(_ row: Row, _ parts: SourceParts) throws -> SourceRow {
        let id = try row.integer("id")
        let reference = RecordingReference(source: catalog.source, id: id)
        do {
            var recording = try recording(row, id)
            recording.media = try (parts.media[id] ?? []).map(media)
            let stop = recording.stop
            recording.externalData = try (parts.externalData[id] ?? []).map { try datum($0, unlessGiven: stop) }
            recording.voiceTags = try (parts.voiceTags[id] ?? []).map(voiceTag)
            return .recording(recording)
        } catch let refusal as Refusal {
            return .refused(reference, refusal.sentence)
        }
    }

    static func cursor(_ row: Row?) throws -> SourceCursor? {
        guard let row, let stop = try row.raw("stop_at").flatMap(CatalogText.wallTime) else { return nil }
        return SourceCursor(stop: stop, id: try row.integer("id"))
    }

    private func recording(_ row: Row, _ id: Int64) throws -> SourceRecording {
        guard let sidBytes = try row.raw("sid"), !sidBytes.isEmpty else { throw Refusal("Its sid is empty.") }
        // Never repaired: two recordings could become one.
        guard let sid = String(validating: sidBytes, as: UTF8.self) else { throw Refusal("Its sid is not UTF-8.") }
        guard let callID = try row.optionalInteger("call_id") else { throw Refusal("Its call has no row.") }
        guard let stop = try time(row, "stop_at") else { throw Refusal("It has no stop_ts.") }
        let call = SourceCall(
            id: callID, start: try time(row, "call_start_ts"), stop: try time(row, "call_stop_ts"),
            length: try row.optionalInteger("call_length").map { Int($0) }, legs: try legs(row))
        guard let state = try text(row, "state") else { throw Refusal("It has no state.") }
        guard SourceReading.knownStates.contains(state) else { throw Refusal("Its state is none that is known.") }
        return SourceRecording(
            source: catalog.source, id: id, sid: Sid(sid), call: call, start: try time(row, "start_ts"), stop: stop,
            stopInstant: try row.raw("stop_instant").flatMap(CatalogText.wallTime)
                .map { Instant(microseconds: $0.microseconds) },
            length: try row.optionalInteger("length").map { Int($0) }, state: state,
            problemStatus: try text(row, "problemstatus"), mark: try mark(row),
            isProtected: try row.optionalBoolean("protected") ?? false, isDeleted: try text(row, "deleted") == "D",
            isArchived: try text(row, "archived") == "A", isMixed: try text(row, "mixed") == "M",
            carried: try carried(row, catalog.columns.carriedOfRecording))
    }

    private func media(_ row: Row) throws -> SourceMedia {
        let id = try row.integer("id")
        guard let kind = try text(row, "cftype").flatMap(MediaKind.init), kind != .index else {
            throw Refusal("Its media row \(id) has no cftype that is known.")
        }
        guard let path = try row.raw("cfpath"), !path.isEmpty else { throw Refusal("Its media row \(id) has no path.") }
        var carried = try carried(row, catalog.columns.carriedOfMedia)
        let crc = crc32(carried["cktype"], carried["ckvalue"])
        if crc != nil {
            carried["cktype"] = nil
            carried["ckvalue"] = nil
        }
        let size = try row.optionalInteger("cfsize")
        return SourceMedia(
            id: id, kind: kind, path: FilePath(bytes: path), size: size.flatMap { $0 > 0 ? $0 : nil }, crc32: crc,
            keyID: try text(row, "enc_key_id").flatMap { $0.isEmpty ? nil : $0 },
            start: try time(row, "start_ts"), stop: try time(row, "stop_ts"), properties: try text(row, "props"),
            carried: carried)
    }

    /// - Parameter stop: when the recording ended, by the recorder's own clock: the nearest time where a row gives none.
    private func datum(_ row: Row, unlessGiven stop: WallTime?) throws -> ExternalDatum {
        let created = try row.raw("created_ts").flatMap(CatalogText.wallTime) ?? stop
        return ExternalDatum(key: try text(row, "key") ?? "", value: try text(row, "value") ?? "", created: created)
    }

    private func voiceTag(_ row: Row) throws -> VoiceTag {
        VoiceTag(
            mediaID: try row.integer("cfileid"),
            spoken: SpokenPhrase(
                PhraseText(try text(row, "phrase_text") ?? ""), from: try text(row, "from_time"),
                to: try text(row, "to_time"), channel: try text(row, "channel")),
            confidence: try text(row, "confidence"))
    }

    /// CRC-32 where the row gives one; a database without unsigned numbers may hold it as a negative one.
    private func crc32(_ type: String?, _ value: String?) -> UInt32? {
        guard type == "CRC32", let number = value.flatMap({ Int64($0) }) else { return nil }
        guard (Int64(Int32.min)...Int64(UInt32.max)).contains(number) else { return nil }
        return UInt32(truncatingIfNeeded: number)
    }

    private func mark(_ row: Row) throws -> Mark? {
        guard let letter = try text(row, "synchronized") else { return nil }
        guard let mark = Mark(rawValue: letter) else { throw Refusal("Its mark is a letter that is not known.") }
        return mark
    }

    private func legs(_ row: Row) throws -> [Sid] {
        guard let legs = try row.optionalArray("call_legs") else { return [] }
        return legs.compactMap { $0.flatMap { String(validating: $0, as: UTF8.self) } }.map { Sid($0) }
    }

    private func time(_ row: Row, _ column: String) throws -> WallTime? {
        guard let bytes = try row.raw(column) else { return nil }
        guard let time = CatalogText.wallTime(bytes) else {
            throw Refusal("Its \(column == "stop_at" ? "stop_ts" : column) is no date between the years 1 and 9999.")
        }
        return time
    }

    private func carried(_ row: Row, _ names: [String]) throws -> [String: String] {
        var carried: [String: String] = [:]
        for name in names { carried[name] = try text(row, "carried_" + name) }
        return carried
    }

    private func text(_ row: Row, _ column: String) throws -> String? {
        try row.raw(column).map(CatalogText.repaired)
    }
}
