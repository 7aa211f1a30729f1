internal import FoundationEssentials
internal import Planning
internal import Vocabulary

/// What is blanked while the sound was masked, where the site wants that.
struct Blanking: Sendable {
    /// Keys of external data whose values are masks.
    let keys: Set<String>
}

extension MuxPair {
    /// Every mask that was recorded for the sound: in external data, and in the properties of its row.
    ///
    /// Throws ``MuxFailure`` where one cannot be read or placed: to guess would be to show what must not be seen.
    func masks(_ blanking: Blanking, soundLength: Duration) throws -> [MaskedTime] {
        let beginning = Beginning(of: soundClaim, lasting: soundLength)
        return try recordedMasks(blanking).map { mask, place in
            guard let placed = mask.placed(from: beginning, isUTC: clockIsUTC) else {
                throw MuxFailure(
                    what:
                        "masked time in \(place) cannot be placed: the sound's row says no start, or its clock is not UTC",
                    isTransient: false)
            }
            return placed
        }
    }

    private func recordedMasks(_ blanking: Blanking) throws -> [(mask: RecordedMask, place: String)] {
        var masks: [(mask: RecordedMask, place: String)] = []
        for datum in recording.externalData.sorted() where blanking.keys.contains(datum.key) {
            guard let mask = RecordedMask(datum.value) else { throw MuxFailure.unreadableMask("the external data") }
            masks.append((mask, "the external data"))
        }
        guard let text = sound.media?.properties, !text.isEmpty else { return masks }
        let place = "the properties of the sound"
        guard let properties = try? JSONDecoder().decode(MaskProperties.self, from: Data(text.utf8)) else {
            // What is no JSON names no mask; what names one in another form is not guessed at.
            if text.contains("\"masks\"") { throw MuxFailure.unreadableMask(place) }
            return masks
        }
        for entry in properties.masks ?? [] {
            guard let mask = entry.mask else { throw MuxFailure.unreadableMask(place) }
            masks.append((mask, place))
        }
        return masks
    }
}

extension MuxFailure {
    fileprivate static func unreadableMask(_ place: String) -> MuxFailure {
        MuxFailure(
            what: "masked time in \(place) cannot be read, so that nobody knows what to blank", isTransient: false)
    }
}

/// `masks` of a media file's metadata. Nothing is published of what stands in it: all that is assumed stands here.
private struct MaskProperties: Decodable {
    let masks: [Entry]?

    struct Entry: Decodable {
        /// Nil: it cannot be read.
        let mask: RecordedMask?

        private static let starts = ["startTime", "start", "begin", "from"]
        private static let ends = ["stopTime", "endTime", "stop", "end", "to"]

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                mask = RecordedMask(text)
                return
            }
            let values = try decoder.container(keyedBy: Key.self)
            func moment(_ names: [String]) throws -> MaskMoment?? {
                guard let key = values.allKeys.first(where: { names.contains($0.stringValue) }) else { return .none }
                if try values.decodeNil(forKey: key) { return .none }
                if let number = try? values.decode(Int64.self, forKey: key) { return .some(MaskMoment(String(number))) }
                return .some(MaskMoment(try values.decode(String.self, forKey: key)))
            }
            guard case .some(.some(let start)) = try moment(Entry.starts) else {
                mask = nil
                return
            }
            switch try moment(Entry.ends) {
            case .none: mask = RecordedMask(start: start, end: nil)
            case .some(.none): mask = nil
            case .some(.some(let end)): mask = RecordedMask(start: start, end: end)
            }
        }

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { return nil }
        }
    }
}
