/// What speech recognition found in one media file of a recording at its source (`voice_tags`).
package struct VoiceTag: Hashable, Codable, Sendable {
    /// `cfiles.id` at the source.
    package var mediaID: Int64
    package var spoken: SpokenPhrase
    /// 0 to 100, as PostgreSQL's text; not part of what makes two the same.
    package var confidence: String?

    package init(mediaID: Int64, spoken: SpokenPhrase, confidence: String? = nil) {
        self.mediaID = mediaID
        self.spoken = spoken
        self.confidence = confidence
    }
    package static func == (one: VoiceTag, other: VoiceTag) -> Bool {
        one.mediaID == other.mediaID && one.spoken == other.spoken
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(mediaID)
        hasher.combine(spoken)
    }
}

/// A phrase at a place of a media file: what makes two voice tags the same. Places are columns as they stand, as
/// PostgreSQL's text.
package struct SpokenPhrase: Hashable, Codable, Sendable {
    package var phrase: PhraseText
    package var from: String?
    package var to: String?
    /// `L` or `R`.
    package var channel: String?

    package init(_ phrase: PhraseText, from: String? = nil, to: String? = nil, channel: String? = nil) {
        self.phrase = phrase
        self.from = from
        self.to = to
        self.channel = channel
    }
}

/// The text of a phrase or the name of a speech tag: what names it in every database, where its ids differ.
///
/// The same only by the same bytes, as the databases compare: Swift takes texts for equal that differ in how their
/// accents are written.
package struct PhraseText: Hashable, Comparable, Codable, Sendable {
    package let text: String
    package init(_ text: String) { self.text = text }

    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
    package static func == (one: PhraseText, other: PhraseText) -> Bool {
        one.text.utf8.elementsEqual(other.text.utf8)
    }
    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
    package static func < (one: PhraseText, other: PhraseText) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }
}
