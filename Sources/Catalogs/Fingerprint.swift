internal import CLibcrypto
package import Vocabulary

/// What the rows of a recording said when they were looked at, as 32 bytes that are the same only while they say the
/// same: SHA-256 of a canonical form.
///
/// Not in it: the mark and what change tracking writes (our own mark would change them), the instant (a matter of
/// the settings' time zone), `created` of external data, the confidence of voice tags, and the call's times and legs
/// (another leg of the call is no change of this one).
package struct Fingerprint: Hashable, Sendable {
    package let bytes: [UInt8]
    package init(bytes: [UInt8]) { self.bytes = bytes }

    package init(of recording: SourceRecording) {
        var form = CanonicalForm()
        form.add(recording.sid.rawValue)
        form.add(recording.call.id)
        form.add(recording.start?.microseconds)
        form.add(recording.stop?.microseconds)
        form.add(recording.length.map(Int64.init))
        form.add(recording.state)
        form.add(recording.problemStatus)
        form.add(Int64(recording.isProtected ? 1 : 0))
        form.add(Int64(recording.isDeleted ? 1 : 0))
        form.add(Int64(recording.isArchived ? 1 : 0))
        form.add(Int64(recording.isMixed ? 1 : 0))
        form.add(recording.carried)
        form.add(Int64(recording.media.count))
        for media in recording.media.sorted(by: { $0.id < $1.id }) { form.add(media) }
        form.add(Int64(recording.externalData.count))
        // By bytes: Swift takes texts for equal that differ in how their accents are written.
        for datum in recording.externalData.sorted(by: {
            ($0.key.utf8.lexicographicallyPrecedes($1.key.utf8))
                || $0.key.utf8.elementsEqual($1.key.utf8) && $0.value.utf8.lexicographicallyPrecedes($1.value.utf8)
        }) {
            form.add(datum.key)
            form.add(datum.value)
        }
        let tags = recording.voiceTags.ordered
        // Recordings without any keep the fingerprint that they had before there were tags in it.
        if !tags.isEmpty { form.add(Int64(tags.count)) }
        for tag in tags {
            form.add(tag.mediaID)
            form.add(tag.spoken.phrase.text)
            form.add(tag.spoken.from)
            form.add(tag.spoken.to)
            form.add(tag.spoken.channel)
        }
        bytes = form.digest
    }

    /// Of one media row of the replay: what tells whether it still names the file that was measured.
    package init(of media: ReplayMedia) {
        var form = CanonicalForm()
        form.add(media.kind.rawValue)
        form.add(media.path.bytes)
        form.add(media.size)
        bytes = form.digest
    }

    /// Of one media row: what makes another transfer of it necessary.
    package init(of media: SourceMedia) {
        var form = CanonicalForm()
        form.add(media)
        bytes = form.digest
    }
}

/// Values one after the other, each with its kind and length in front, so that no two lists of values look the same.
private struct CanonicalForm {
    /// The first byte is the form's version.
    private var bytes: [UInt8] = [1]

    mutating func add(_ number: Int64?) {
        bytes.append(number == nil ? 0 : 1)
        if let number { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
    }
    mutating func add(_ text: [UInt8]?) {
        guard let text else { return bytes.append(0) }
        bytes.append(2)
        withUnsafeBytes(of: UInt64(text.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += text
    }
    mutating func add(_ text: String?) { add(text.map { Array($0.utf8) }) }
    mutating func add(_ texts: [String: String]) {
        add(Int64(texts.count))
        for (name, text) in texts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            add(name)
            add(text)
        }
    }
    mutating func add(_ media: SourceMedia) {
        add(media.id)
        add(media.kind.rawValue)
        add(media.path.bytes)
        add(media.size)
        add(media.crc32.map(Int64.init))
        add(media.keyID)
        add(media.start?.microseconds)
        add(media.stop?.microseconds)
        add(media.properties)
        add(media.carried)
    }

    var digest: [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
        return digest
    }
}

extension [VoiceTag] {
    /// Each once, in an order that does not depend on how the rows came.
    fileprivate var ordered: [VoiceTag] {
        func key(_ tag: VoiceTag) -> [PhraseText] {
            [tag.spoken.phrase] + [tag.spoken.from, tag.spoken.to, tag.spoken.channel].map { PhraseText($0 ?? "") }
        }
        return Set(self).sorted {
            $0.mediaID == $1.mediaID ? key($0).lexicographicallyPrecedes(key($1)) : $0.mediaID < $1.mediaID
        }
    }
}
