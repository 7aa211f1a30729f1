package import Vocabulary

/// The containers whose wholeness can be told without decoding.
package enum ContainerFormat: String, Hashable, Sendable {
    case mp3
    case mp4
    case wav
    /// A CMS/PKCS#7 message in DER or BER.
    case cms
    /// A CMS/PKCS#7 message in PEM.
    case pem

    /// By the first bytes (16 are enough), where they tell a wrapper, else by the file's name.
    ///
    /// Encrypted media may keep the name of the clear ones. Bare ciphertext looks like nothing: nil where the name says
    /// nothing either, or where the bytes of an `.mp3`, `.mp4` or `.wav` are known to be encrypted (`isEncrypted`).
    package init?(name: FilePath, firstBytes: [UInt8], isEncrypted: Bool = false) {
        if firstBytes.starts(with: Array("-----BEGIN ".utf8)) {
            self = .pem
        } else if Container.startsMessage(firstBytes) {
            self = .cms
        } else if isEncrypted {
            return nil
        } else {
            let text = String(decoding: name.lastComponent, as: UTF8.self).lowercased()
            if text.hasSuffix(".mp3") {
                self = .mp3
            } else if text.hasSuffix(".mp4") || text.hasSuffix(".m4a") || text.hasSuffix(".m4v") {
                self = .mp4
            } else if text.hasSuffix(".wav") {
                self = .wav
            } else {
                return nil
            }
        }
    }
}

/// Whether a container has all of itself.
package enum Wholeness: Hashable, Sendable {
    case whole
    case broken(Fault)
    /// Its structure does not tell.
    case unknown

    package enum Fault: Hashable, Sendable, CustomStringConvertible {
        case empty
        /// The bytes are not of the format.
        case otherFormat
        /// It ends before its structure does; the bytes that are missing, where it tells.
        case truncated(missing: Int64?)
        /// An mp4 without `moov`: it was never finished, or its end was lost. No player can read it.
        case noIndex
        /// Bytes stand where a box or frame should.
        case garbage(at: Int64)

        package var description: String {
            switch self {
            case .empty: "it is empty"
            case .otherFormat: "it is not of the format that its name says"
            case .truncated(nil): "it ends too early"
            case .truncated(let missing?): "it ends \(missing) bytes too early"
            case .noIndex: "its index (moov) is missing"
            case .garbage(let offset): "its structure breaks at byte \(offset)"
            }
        }
    }
}

/// Checks of structure on what a closure reads. They read headers only, and decode nothing.
package enum Container {
    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    package typealias Read<Failure: Error> = (_ offset: Int64, _ count: Int) throws(Failure) -> [UInt8]

    package static func check<Failure: Error>(
        _ format: ContainerFormat, size: Int64, read: Read<Failure>
    ) throws(Failure) -> Wholeness {
        guard size > 0 else { return .broken(.empty) }
        switch format {
        case .mp3: return try MP3Structure.check(size: size, read: read)
        case .mp4: return try checkMP4(size: size, read: read)
        case .wav: return try WAVStructure.check(size: size, read: read)
        case .cms: return try checkMessage(size: size, read: read)
        case .pem: return try checkPEM(size: size, read: read)
        }
    }

    // MARK: mp4 (ISO/IEC 14496-12, 4.2): boxes fill the file exactly.

    /// More boxes than any recorder writes; a file of tiny ones must not keep the reader for ever.
    private static let mostBoxes = 200_000

    private static func checkMP4<Failure: Error>(size: Int64, read: Read<Failure>) throws(Failure) -> Wholeness {
        var offset: Int64 = 0
        var hasIndex = false
        for number in 0..<mostBoxes {
            let header = try read(offset, 16)
            guard header.count >= 8 else { return .broken(.truncated(missing: nil)) }
            let type = Array(header[4..<8])
            if number == 0 && type != Array("ftyp".utf8) { return .broken(.otherFormat) }
            guard type.allSatisfy({ (0x20..<0x7f).contains($0) || $0 == 0xA9 }) else {
                return .broken(.garbage(at: offset))
            }
            var length = bigEndian(header[0..<4])
            var headerLength: Int64 = 8
            if length == 1 {
                guard header.count == 16 else { return .broken(.truncated(missing: nil)) }
                length = bigEndian(header[8..<16])
                headerLength = 16
            } else if length == 0 {
                length = size - offset
            }
            guard length >= headerLength else { return .broken(.garbage(at: offset)) }
            if type == Array("moov".utf8) { hasIndex = true }
            guard length <= size - offset else { return .broken(.truncated(missing: length - (size - offset))) }
            offset += length
            if offset == size { return hasIndex ? .whole : .broken(.noIndex) }
        }
        return .unknown
    }

    // MARK: CMS

    /// Whether the bytes begin a CMS or PKCS#7 message: a sequence that starts with an object identifier below
    /// 1.2.840.113549.1.7 or 1.9.16.1.
    static func startsMessage(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 12, bytes[0] == 0x30 else { return false }
        let lengthBytes = bytes[1] > 0x80 ? Int(bytes[1] & 0x7f) : 0
        let identifier = bytes.dropFirst(2 + lengthBytes)
        guard identifier.first == 0x06 else { return false }
        return identifier.dropFirst(2).starts(with: [0x2A, 0x86, 0x48, 0x86])
    }

    /// A definite length has to fill the file; of indefinite ones, each that is open at the front ends with two zeros.
    private static func checkMessage<Failure: Error>(size: Int64, read: Read<Failure>) throws(Failure) -> Wholeness {
        let head = try read(0, 64 << 10)
        guard startsMessage(head) else { return .broken(head.count < 12 ? .truncated(missing: nil) : .otherFormat) }
        if head[1] != 0x80 {
            let lengthBytes = head[1] > 0x80 ? Int(head[1] & 0x7f) : 0
            guard lengthBytes <= 7 else { return .broken(.garbage(at: 1)) }
            let length = lengthBytes == 0 ? Int64(head[1]) : bigEndian(head[2..<2 + lengthBytes])
            let end = 2 + Int64(lengthBytes) + length
            if end > size { return .broken(.truncated(missing: end - size)) }
            return end == size ? .whole : .broken(.garbage(at: end))
        }
        let tail = try read(max(0, size - 64), 64)
        let zeros = tail.reversed().prefix { $0 == 0 }.count
        return zeros >= 2 * openLevels(head) ? .whole : .broken(.truncated(missing: nil))
    }

    /// How many of the message, its wrapper, its envelope, its encrypted content and the content's parts have an
    /// indefinite length: all of them end where the file does. Fewer where the recipients hide the rest.
    private static func openLevels(_ head: [UInt8]) -> Int {
        // The containers from the outside in, by the tags of what stands in each before the next.
        let path: [(tag: UInt8, before: Set<UInt8>)] = [
            (0x30, []), (0xA0, [0x06]), (0x30, []), (0x30, [0x02, 0xA0, 0x31]), (0xA0, [0x06, 0x30]),
        ]
        var levels = 0
        var index = 0
        for (tag, before) in path {
            while index + 1 < head.count, head[index] != tag {
                guard before.contains(head[index]), let length = lengthOfValue(head, at: index) else { return levels }
                index += length
            }
            guard index + 1 < head.count else { return levels }
            if head[index + 1] == 0x80 { levels += 1 }
            index += 2 + (head[index + 1] > 0x80 ? Int(head[index + 1] & 0x7f) : 0)
        }
        return levels
    }

    /// Of a value of definite length with its header; nil where it is not one, or reaches beyond the bytes.
    private static func lengthOfValue(_ bytes: [UInt8], at index: Int) -> Int? {
        let first = bytes[index + 1]
        guard first != 0x80 else { return nil }
        let lengthBytes = first > 0x80 ? Int(first & 0x7f) : 0
        guard lengthBytes <= 4, index + 2 + lengthBytes <= bytes.count else { return nil }
        let length = lengthBytes == 0 ? Int(first) : Int(bigEndian(bytes[index + 2..<index + 2 + lengthBytes]))
        return length < bytes.count ? 2 + lengthBytes + length : nil
    }

    private static func checkPEM<Failure: Error>(size: Int64, read: Read<Failure>) throws(Failure) -> Wholeness {
        let tail = String(decoding: try read(max(0, size - 128), 128), as: UTF8.self)
        let lastLine = tail.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) } ?? ""
        let isEnd = lastLine.hasPrefix("-----END ") && lastLine.hasSuffix("-----")
        return isEnd ? .whole : .broken(.truncated(missing: nil))
    }

    /// An unsigned number of at most eight bytes; `Int64.max` where it is larger than that.
    static func bigEndian(_ bytes: some Sequence<UInt8>) -> Int64 {
        Int64(clamping: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

/// The frames of an mp3 (ISO/IEC 11172-3, 2.4.2.3, and MPEG-2.5), with ID3 and APE tags around them.
private enum MP3Structure {
    struct Frame {
        let length: Int
        /// What all frames of a stream have in common: version, layer and sample rate.
        let kind: UInt32
    }

    private static let windowBytes = 16 << 10
    /// Bytes: layer II at 384 kbit/s and 32 kHz.
    private static let longestFrame = 1728
    /// So many frames one behind the other are no accident.
    private static let convincing = 3

    static func check<Failure: Error>(size: Int64, read: Container.Read<Failure>) throws(Failure) -> Wholeness {
        let start = try endOfLeadingTag(size: size, read: read)
        guard start < size else { return .broken(.truncated(missing: start - size)) }
        let front = try read(start, min(windowBytes, Int(clamping: size - start)))
        // Zeros before the first frame are padding that some writers leave behind the tag.
        let zeros = front.prefix { $0 == 0 }.count
        guard let first = frame(front, at: zeros) else {
            // Room for a header and a frame that has not been written yet.
            return .broken(front.count - zeros < 4 ? .truncated(missing: nil) : .otherFormat)
        }
        let second = zeros + first.length
        if second + 4 <= front.count, frame(front, at: second)?.kind != first.kind, !isTag(front, at: second) {
            return .broken(.otherFormat)
        }
        let end = try startOfTrailingTags(size: size, read: read)
        return try checkEnd(start: start + Int64(zeros), end: end, kind: first.kind, read: read)
    }

    private static func checkEnd<Failure: Error>(
        start: Int64, end: Int64, kind: UInt32, read: Container.Read<Failure>
    ) throws(Failure) -> Wholeness {
        let windowStart = max(start, end - Int64(windowBytes))
        guard windowStart < end else { return .broken(.truncated(missing: nil)) }
        let bytes = try read(windowStart, Int(end - windowStart))
        for candidate in bytes.indices {
            guard frame(bytes, at: candidate)?.kind == kind else { continue }
            var offset = candidate
            var count = 0
            while let next = frame(bytes, at: offset), next.kind == kind {
                offset += next.length
                count += 1
            }
            let isWhole = windowStart == start && candidate == 0
            guard count >= convincing || (isWhole && count > 0) else { continue }
            if offset > bytes.count { return .broken(.truncated(missing: Int64(offset - bytes.count))) }
            let rest = bytes[offset...]
            // A little padding; more can be space that was set aside for frames that are still to come.
            if rest.allSatisfy({ $0 == 0 }) { return rest.count <= longestFrame ? .whole : .unknown }
            // The first bytes of one more header, or something else altogether: a tag that is not known here, say.
            return rest.count < 4 && rest.first == 0xff ? .broken(.truncated(missing: nil)) : .unknown
        }
        return .unknown
    }

    /// The frame whose header stands at `index`; nil where none does, or its length is not told (free format).
    static func frame(_ bytes: [UInt8], at index: Int) -> Frame? {
        guard index >= 0, index + 4 <= bytes.count, bytes[index] == 0xff, bytes[index + 1] & 0xe0 == 0xe0 else {
            return nil
        }
        let version = Int(bytes[index + 1] >> 3 & 3)  // 0: 2.5, 2: 2, 3: 1
        let layer = 4 - Int(bytes[index + 1] >> 1 & 3)
        let rateIndex = Int(bytes[index + 2] >> 4)
        let sampleIndex = Int(bytes[index + 2] >> 2 & 3)
        let padding = Int(bytes[index + 2] >> 1 & 1)
        guard version != 1, layer < 4, (1...14).contains(rateIndex), sampleIndex < 3 else { return nil }
        let sampleRate = [44_100, 48_000, 32_000][sampleIndex] / [4, 0, 2, 1][version]
        let bitRate = 1000 * bitRates(isVersion1: version == 3, layer: layer)[rateIndex - 1]
        let length: Int
        switch layer {
        case 1: length = (12 * bitRate / sampleRate + padding) * 4
        case 2: length = 144 * bitRate / sampleRate + padding
        default: length = (version == 3 ? 144 : 72) * bitRate / sampleRate + padding
        }
        guard length > 4 else { return nil }
        return Frame(length: length, kind: UInt32(version) << 8 | UInt32(layer) << 4 | UInt32(sampleIndex))
    }

    /// Kilobits a second by index, from 1 on.
    private static func bitRates(isVersion1: Bool, layer: Int) -> [Int] {
        switch (isVersion1, layer) {
        case (true, 1): [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448]
        case (true, 2): [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]
        case (true, _): [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        case (false, 1): [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
        case (false, _): [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
        }
    }

    private static func isTag(_ bytes: [UInt8], at index: Int) -> Bool {
        ["TAG", "APETAGEX", "ID3"].contains { bytes[index...].starts(with: Array($0.utf8)) }
    }

    /// Where an ID3v2 tag at the front ends; its size has seven bits in each byte.
    private static func endOfLeadingTag<Failure: Error>(
        size: Int64, read: Container.Read<Failure>
    ) throws(Failure) -> Int64 {
        let head = try read(0, 10)
        guard head.count == 10, head.starts(with: Array("ID3".utf8)) else { return 0 }
        let length = head[6..<10].reduce(Int64(0)) { $0 << 7 | Int64($1 & 0x7f) }
        let hasFooter = head[5] & 0x10 != 0
        return 10 + length + (hasFooter ? 10 : 0)
    }

    /// Where the frames end: before an ID3v1 tag of 128 bytes, and an APE tag that tells its own size.
    private static func startOfTrailingTags<Failure: Error>(
        size: Int64, read: Container.Read<Failure>
    ) throws(Failure) -> Int64 {
        var end = size
        if end >= 128, try read(end - 128, 3) == Array("TAG".utf8) { end -= 128 }
        if end >= 32 {
            let footer = try read(end - 32, 32)
            if footer.starts(with: Array("APETAGEX".utf8)) {
                let length = Container.bigEndian(footer[12..<16].reversed())
                let hasHeader = footer[23] & 0x80 != 0
                end = max(0, end - length - (hasHeader ? 32 : 0))
            }
        }
        return end
    }
}
