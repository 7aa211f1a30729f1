internal import Vocabulary

/// The frames of an mp3 (ISO/IEC 11172-3, 13818-3, and MPEG-2.5), one behind the other from the first to the last byte.
enum MP3Packets {
    /// As ffmpeg counts time in mp3: a multiple of every sample rate.
    private static let ticksPerSecond: Int64 = 14_112_000

    private struct Frame {
        let byteCount: Int
        let sampleRate: Int
        let channels: Int
        let isVersion1: Bool
        var samples: Int64 { isVersion1 ? 1152 : 576 }
        /// Where its own data begin, which may be a table of all frames.
        var infoPlace: Int { 4 + (isVersion1 ? (channels == 1 ? 17 : 32) : (channels == 1 ? 9 : 17)) }

        /// Layer III with a bit rate; nil otherwise.
        init?(_ header: UInt32) {
            let version = Int(header >> 19 & 3)  // 0: 2.5, 2: 2, 3: 1
            let rateIndex = Int(header >> 12 & 15)
            let sampleIndex = Int(header >> 10 & 3)
            guard header >> 21 == 0x7ff, version != 1, header >> 17 & 3 == 1, (1...14).contains(rateIndex),
                sampleIndex < 3
            else { return nil }
            isVersion1 = version == 3
            sampleRate = [44_100, 48_000, 32_000][sampleIndex] / [4, 1, 2, 1][version]
            let bitRates =
                isVersion1
                ? [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
                : [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
            let bits = 1000 * bitRates[rateIndex - 1]
            byteCount = (isVersion1 ? 144 : 72) * bits / sampleRate + Int(header >> 9 & 1)
            channels = header >> 6 & 3 == 3 ? 1 : 2
        }
    }

    /// What the frame before the first says of all, as LAME and ffmpeg write it.
    private struct Info {
        var frames: Int64 = 0
        var startSkip: Int64 = 0
        var firstDiscarded: Int64 = 0
        var end: Int64 = 0
    }

    static func read(_ file: FileWindow) throws(MediaError) -> QuickProbe? {
        var offset = try endOfLeadingTag(file)
        var hasTrailer = false
        if file.size >= 128 { hasTrailer = try file.bytes(at: file.size - 128, count: 3) == Array("TAG".utf8) }
        let end = file.size - (hasTrailer ? 128 : 0)
        guard let header = try file.number(at: offset), let first = Frame(header) else { return nil }
        var info: Info?
        switch try readInfo(file, at: offset, first) {
        case .unusual: return nil
        case .absent: break
        case .found(let found):
            info = found
            offset += Int64(first.byteCount)
        }
        let firstOffset = offset
        var packets: [UInt64] = []
        var position: Int64 = 0
        var discarded: Int64 = 0
        while offset < end {
            guard packets.count < QuickProbe.mostPackets, let header = try file.number(at: offset),
                let frame = Frame(header), frame.sampleRate == first.sampleRate, frame.channels == first.channels,
                frame.isVersion1 == first.isVersion1, offset + Int64(frame.byteCount) <= end,
                let checksum = try file.checksum(at: offset, count: frame.byteCount)
            else { return nil }
            packets.append(checksum)
            let next = position + frame.samples
            if let info, info.frames > 0, next >= info.firstDiscarded, position < info.end {
                discarded += min(next - info.firstDiscarded, frame.samples)
            }
            position = next
            offset += Int64(frame.byteCount)
        }
        guard !packets.isEmpty else { return nil }
        let tick = 1 / Double(ticksPerSecond)
        let ticks = position * (ticksPerSecond / Int64(first.sampleRate))
        let stream = StreamFacts(
            index: 0, kind: .sound, codec: "mp3", profile: "unknown", sampleRate: first.sampleRate,
            channels: first.channels, width: 0, height: 0, pixelFormat: "", frameRate: "0/0",
            timeBase: "1/\(ticksPerSecond)", parameters: nil,
            start: moment(ticks: 0, tick: tick, samples: info?.startSkip ?? 0, rate: first.sampleRate),
            end: moment(ticks: ticks, tick: tick, samples: -discarded, rate: first.sampleRate),
            packetCount: packets.count, firstPacketOffset: firstOffset, byteCount: end - firstOffset, isOrdered: true)
        var probe = QuickProbe(facts: MediaFacts(streams: [stream]), sound: packets, picture: [])
        probe.announced = info.flatMap { $0.frames > 0 ? $0.frames : nil }
        return probe
    }

    /// Bytes of each of so many frames from `offset` on; nil where they are not there.
    static func byteCounts(
        _ file: FileWindow, from offset: Int64, count: Int
    ) throws(MediaError) -> [UInt16]? {
        var byteCounts: [UInt16] = []
        var offset = offset
        for _ in 0..<count {
            guard let header = try file.number(at: offset), let frame = Frame(header),
                let byteCount = UInt16(exactly: frame.byteCount)
            else { return nil }
            byteCounts.append(byteCount)
            offset += Int64(frame.byteCount)
        }
        return offset <= file.size ? byteCounts : nil
    }

    /// How many frames the first one says that there are, itself not counted; nil where it says nothing.
    static func announced(_ file: FileWindow) throws(MediaError) -> Int64? {
        let offset = try endOfLeadingTag(file)
        guard let header = try file.number(at: offset), let first = Frame(header) else { return nil }
        let frame = try file.bytes(at: offset, count: first.byteCount)
        func number(_ place: Int) -> Int64? {
            place + 4 <= frame.count ? Int64(frame[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) : nil
        }
        func begins(_ place: Int, _ names: [String]) -> Bool {
            place < frame.count && names.contains { frame[place...].starts(with: Array($0.utf8)) }
        }
        let found: Int64?
        if begins(36, ["VBRI"]) {
            found = number(36 + 14)
        } else if begins(first.infoPlace, ["Xing", "Info"]), let flags = number(first.infoPlace + 4), flags & 1 != 0 {
            found = number(first.infoPlace + 8)
        } else {
            found = nil
        }
        return found.flatMap { $0 > 0 ? $0 : nil }
    }

    private enum InfoFrame {
        case absent
        case found(Info)
        case unusual
    }

    private static func readInfo(_ file: FileWindow, at offset: Int64, _ first: Frame) throws(MediaError) -> InfoFrame {
        let frame = try file.bytes(at: offset, count: first.byteCount)
        func text(_ place: Int, _ count: Int) -> String {
            place + count <= frame.count ? String(decoding: frame[place..<place + count], as: UTF8.self) : ""
        }
        func number(_ place: Int) -> Int64? {
            place + 4 <= frame.count ? Int64(frame[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) : nil
        }
        if text(36, 4) == "VBRI" { return .unusual }
        var place = first.infoPlace
        guard ["Xing", "Info"].contains(text(place, 4)) else { return .absent }
        guard let flags = number(place + 4) else { return .unusual }
        place += 8
        var info = Info()
        if flags & 1 != 0 {
            guard let frames = number(place) else { return .unusual }
            info.frames = frames
            place += 4
        }
        place += (flags & 2 != 0 ? 4 : 0) + (flags & 4 != 0 ? 100 : 0) + (flags & 8 != 0 ? 4 : 0)
        guard ["LAME", "Lavf", "Lavc"].contains(text(place, 4)), place + 24 <= frame.count else { return .unusual }
        // Behind the encoder's name (9 bytes) and eleven of levels stand 12 bits of each, delay and padding.
        let delays = frame[(place + 21)..<(place + 24)].reduce(0) { $0 << 8 | Int64($1) }
        info.startSkip = delays >> 12 + 529
        info.firstDiscarded = info.frames * first.samples + 529 - delays & 0xfff
        info.end = info.frames * first.samples
        return .found(info)
    }

    /// Where an ID3v2 tag at the front ends; its size has seven bits in each byte.
    private static func endOfLeadingTag(_ file: FileWindow) throws(MediaError) -> Int64 {
        let head = try file.bytes(at: 0, count: 10)
        guard head.count == 10, head.starts(with: Array("ID3".utf8)) else { return 0 }
        let length = head[6..<10].reduce(Int64(0)) { $0 << 7 | Int64($1 & 0x7f) }
        return 10 + length + (head[5] & 0x10 != 0 ? 10 : 0)
    }
}
