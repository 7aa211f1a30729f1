internal import CLibcrypto
internal import Vocabulary

/// The packets of an mp4 by its index: H.264 pictures, AAC or mp3 sound, one edit at most behind one that waits.
enum MP4Packets {
    private typealias Unusual = MP4Boxes.Unusual

    /// An index of a day of sound and pictures takes less.
    private static let mostIndexBytes: Int64 = 16 << 20
    /// Room for packets is made for so many at once, whatever the index says: an hour of sound has less.
    private static let packetsAtOnce = 100_000
    private static let mostBoxes = 10_000

    static func read(_ file: FileWindow, moments: [Duration], isOurs: Bool) throws(MediaError) -> QuickProbe? {
        guard let index = try readIndex(file) else { return nil }
        let boxes = MP4Boxes(bytes: index)
        guard let tracks = try? MP4Track.tracks(in: boxes, isOurs: isOurs) else { return nil }
        var streams: [StreamFacts] = []
        var sound: [UInt64] = []
        var picture: [UInt64] = []
        for track in tracks {
            guard let (facts, packets) = try measure(track, boxes, file, moments: moments) else { return nil }
            switch facts.kind {
            case .sound where sound.isEmpty: sound = packets
            case .picture where picture.isEmpty: picture = packets
            case .sound, .picture: return nil
            }
            streams.append(facts)
        }
        return streams.isEmpty ? nil : QuickProbe(facts: MediaFacts(streams: streams), sound: sound, picture: picture)
    }

    /// Whether one index names all packets, so that a file that has it lost none: fragments name their own.
    static func isIndexed(_ file: FileWindow) throws(MediaError) -> Bool {
        guard let index = try readIndex(file) else { return false }
        let boxes = MP4Boxes(bytes: index)
        guard let movie = try? boxes.boxes(in: boxes.bytes.indices) else { return false }
        return !movie.contains { $0.type == "mvex" }
    }

    /// The one `moov`; nil where there is none, or fragments.
    static func readIndex(_ file: FileWindow) throws(MediaError) -> [UInt8]? {
        var offset: Int64 = 0
        var index: (offset: Int64, count: Int)?
        for _ in 0..<mostBoxes where offset < file.size {
            let header = try file.bytes(at: offset, count: 16)
            guard header.count >= 8 else { return nil }
            var length = header[0..<4].reduce(Int64(0)) { $0 << 8 | Int64($1) }
            var headerLength: Int64 = 8
            if length == 1 {
                guard header.count == 16, header[8] == 0 else { return nil }
                length = header[8..<16].reduce(Int64(0)) { $0 << 8 | Int64($1) }
                headerLength = 16
            }
            guard length >= headerLength, length <= file.size - offset else { return nil }
            switch String(decoding: header[4..<8], as: UTF8.self) {
            case "moov":
                guard index == nil, length - headerLength <= mostIndexBytes else { return nil }
                index = (offset + headerLength, Int(length - headerLength))
            case "moof", "sidx": return nil
            default: break
            }
            offset += length
        }
        guard offset == file.size, let index else { return nil }
        let bytes = try file.bytes(at: index.offset, count: index.count)
        return bytes.count == index.count ? bytes : nil
    }

    private static func measure(
        _ track: MP4Track, _ boxes: MP4Boxes, _ file: FileWindow, moments: [Duration]
    ) throws(MediaError) -> (StreamFacts, [UInt64])? {
        guard var cursor = try? MP4Cursor(track, boxes) else { return nil }
        var facts = track.facts
        var packets: [UInt64] = []
        packets.reserveCapacity(min(cursor.count, packetsAtOnce))
        // Packets lie one behind the other: what is read is the file once, however many an index names, and where.
        var free: Int64 = 0
        var lastDecoded = Int.min
        var longestStill = 0
        var shown = MomentTimes(facts.kind == .picture ? moments : [])
        let tick = 1 / Double(track.timescale)
        var first = Int.max
        var last = Int.min
        var end = Int.min
        for _ in 0..<cursor.count {
            guard let packet = try? cursor.next(), packet.byteCount > 0, packet.offset >= free,
                packet.byteCount <= file.size - Int64(packet.offset),
                let checksum = try file.checksum(at: Int64(packet.offset), count: packet.byteCount)
            else { return nil }
            free = Int64(packet.offset) + Int64(packet.byteCount)
            if packets.isEmpty {
                facts.firstPacketOffset = Int64(packet.offset)
                facts.reorderTicks = Int64(packet.shown + track.edit.mediaTime - packet.decoded)
            }
            packets.append(checksum)
            facts.byteCount += Int64(packet.byteCount)
            if packet.decoded <= lastDecoded || packet.shown < packet.decoded - track.edit.mediaTime {
                facts.isOrdered = false
            }
            if lastDecoded > .min { longestStill = max(longestStill, packet.decoded - lastDecoded) }
            lastDecoded = packet.decoded
            if !shown.isEmpty { shown.take(track.edit.delay + moment(ticks: Int64(packet.shown), tick: tick)) }
            first = min(first, packet.shown)
            last = max(last, packet.shown)
            end = max(end, packet.shown + packet.duration)
        }
        guard !packets.isEmpty, let timed = times(track, first: first, last: last, end: end) else { return nil }
        (facts.start, facts.end, facts.packetCount) = (timed.start, timed.end, packets.count)
        if facts.kind == .picture {
            facts.longestStill = moment(ticks: Int64(longestStill), tick: tick)
            facts.moments = shown.facts
            let declared = min(track.edit.duration ?? track.duration, track.duration)
            facts.declaredEnd = facts.start + moment(ticks: Int64(declared), tick: tick)
        }
        return (facts, packets)
    }

    /// When the packets are played; nil where the edit leaves pictures out.
    private static func times(
        _ track: MP4Track, first: Int, last: Int, end: Int
    ) -> (start: Duration, end: Duration)? {
        let edit = track.edit
        let tick = 1 / Double(track.timescale)
        func time(_ ticks: Int) -> Duration { moment(ticks: Int64(ticks), tick: tick) }
        switch track.facts.kind {
        case .picture:
            // Rounded to the movie's ticks, an edit may end within its last picture.
            guard first == 0 || !edit.isThere, edit.duration.map({ last < $0 }) ?? true else { return nil }
            return (edit.delay + time(first), edit.delay + time(end))
        case .sound:
            let ends = [end, edit.duration ?? end]
            return (edit.delay + time(max(0, first)), edit.delay + time(ends.min() ?? end))
        }
    }
}

/// One track: what its headers say.
struct MP4Track {
    /// What is played of it. Times in the track's ticks.
    struct Edit {
        var isThere = false
        /// Nothing is played before this.
        var delay = Duration.zero
        /// Where in the track playing begins.
        var mediaTime = 0
        /// How much is played; nil: all.
        var duration: Int?
    }

    let timescale: Int
    /// In its ticks, as its header says.
    let duration: Int
    let edit: Edit
    /// Without what only the packets tell.
    let facts: StreamFacts
    let sampleTable: [MP4Boxes.Box]

    /// Longest time and count that a table may say, far beyond any recording, and far below overflow.
    static let most = 1 << 40

    static func tracks(in boxes: MP4Boxes, isOurs: Bool) throws(MP4Boxes.Unusual) -> [MP4Track] {
        let movie = try boxes.boxes(in: boxes.bytes.indices)
        guard !movie.contains(where: { ["mvex", "cmov"].contains($0.type) }) else { throw MP4Boxes.Unusual() }
        let header = try movie.needed("mvhd")
        let place = header.lowerBound
        let isLong = try boxes.number(place, in: header) >> 24 == 1
        let movieScale = try boxes.number(place + (isLong ? 20 : 12), in: header)
        guard movieScale > 0 else { throw MP4Boxes.Unusual() }
        // A cover is a stream of its own to ffmpeg, and may be its first.
        for box in movie where box.type == "udta" || box.type == "meta" {
            guard boxes.bytes[box.body].firstRange(of: Array("covr".utf8)) == nil else { throw MP4Boxes.Unusual() }
        }
        var tracks: [MP4Track] = []
        for box in movie where box.type == "trak" {
            guard tracks.count < 2 else { throw MP4Boxes.Unusual() }
            tracks.append(try MP4Track(box.body, number: tracks.count, movieScale: movieScale, isOurs: isOurs, boxes))
        }
        return tracks
    }

    private init(
        _ range: Range<Int>, number: Int, movieScale: Int, isOurs: Bool, _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) {
        let track = try boxes.boxes(in: range)
        let media = try boxes.boxes(in: track.needed("mdia"))
        let header = try media.needed("mdhd")
        let isLong = try boxes.number(header.lowerBound, in: header) >> 24 == 1
        timescale = try boxes.number(header.lowerBound + (isLong ? 20 : 12), in: header)
        let place = header.lowerBound + (isLong ? 24 : 16)
        duration = isLong ? try boxes.long(place, in: header) : try boxes.number(place, in: header)
        guard timescale > 0, duration < MP4Track.most else { throw MP4Boxes.Unusual() }
        let handler = try media.needed("hdlr")
        let information = try boxes.boxes(in: media.needed("minf"))
        try MP4Track.refuseFarData(information, boxes)
        sampleTable = try boxes.boxes(in: information.needed("stbl"))
        edit = try MP4Track.edit(of: track, timescale: timescale, movieScale: movieScale, boxes)
        switch try boxes.text(handler.lowerBound + 8, in: handler) {
        case "vide": facts = try MP4Track.picture(sampleTable, number, timescale, isOurs: isOurs, boxes)
        case "soun": facts = try MP4Track.sound(sampleTable, number, timescale, boxes)
        default: throw MP4Boxes.Unusual()
        }
    }

    /// Media must lie in this very file.
    private static func refuseFarData(_ information: [MP4Boxes.Box], _ boxes: MP4Boxes) throws(MP4Boxes.Unusual) {
        let references = try boxes.boxes(in: information.needed("dinf")).needed("dref")
        guard try boxes.number(references.lowerBound + 4, in: references) == 1 else { throw MP4Boxes.Unusual() }
        let entries = try boxes.boxes(in: references.lowerBound + 8..<references.upperBound)
        guard entries.count == 1, entries[0].type == "url ",
            try boxes.number(entries[0].body.lowerBound, in: entries[0].body) == 1
        else { throw MP4Boxes.Unusual() }
    }

    private static func edit(
        of track: [MP4Boxes.Box], timescale: Int, movieScale: Int, _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) -> Edit {
        var edit = Edit()
        guard let range = try track.only("edts"), let list = try boxes.boxes(in: range).only("elst") else {
            return edit
        }
        let isLong = try boxes.number(list.lowerBound, in: list) >> 24 == 1
        let count = try boxes.number(list.lowerBound + 4, in: list)
        guard count == 1 || count == 2 else { throw MP4Boxes.Unusual() }
        edit.isThere = true
        for number in 0..<count {
            let place = list.lowerBound + 8 + number * (isLong ? 20 : 12)
            let duration = isLong ? try boxes.long(place, in: list) : try boxes.number(place, in: list)
            let time: Int
            if isLong {
                // -1 stands for no media.
                let isNothing = try boxes.number(place + 8, in: list) == 0xffff_ffff
                time = isNothing ? -1 : try boxes.long(place + 8, in: list)
            } else {
                time = try boxes.signed(place + 4, in: list)
            }
            let rate = try boxes.number(place + (isLong ? 16 : 8), in: list)
            guard rate == 1 << 16, duration < most, time < most else { throw MP4Boxes.Unusual() }
            if number < count - 1 {
                guard time == -1 else { throw MP4Boxes.Unusual() }
                edit.delay = moment(ticks: Int64(duration), tick: 1 / Double(movieScale))
            } else {
                guard time >= 0 else { throw MP4Boxes.Unusual() }
                edit.mediaTime = time
                let (ticks, overflows) = duration.multipliedReportingOverflow(by: timescale)
                let (rounded, spills) = ticks.addingReportingOverflow(movieScale - 1)
                guard !overflows, !spills else { throw MP4Boxes.Unusual() }
                // Zero means to the end.
                edit.duration = duration == 0 ? nil : rounded / movieScale
            }
        }
        return edit
    }

    /// The one sample entry of the track.
    private static func entry(
        _ table: [MP4Boxes.Box], _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) -> MP4Boxes.Box {
        let range = try table.needed("stsd")
        guard try boxes.number(range.lowerBound + 4, in: range) == 1 else { throw MP4Boxes.Unusual() }
        let entries = try boxes.boxes(in: range.lowerBound + 8..<range.upperBound)
        guard entries.count == 1 else { throw MP4Boxes.Unusual() }
        return entries[0]
    }

    private static func children(
        of entry: MP4Boxes.Box, behind count: Int, _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) -> [MP4Boxes.Box] {
        guard entry.body.count >= count else { throw MP4Boxes.Unusual() }
        return try boxes.boxes(in: entry.body.lowerBound + count..<entry.body.upperBound)
    }

    private static func picture(
        _ table: [MP4Boxes.Box], _ number: Int, _ timescale: Int, isOurs: Bool, _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) -> StreamFacts {
        let entry = try entry(table, boxes)
        guard entry.type == "avc1" else { throw MP4Boxes.Unusual() }
        let configuration = Array(boxes.bytes[try children(of: entry, behind: 78, boxes).needed("avcC")])
        guard let format = H264Format(configuration: configuration) else { throw MP4Boxes.Unusual() }
        // One length for all pictures, or for all but the last.
        let times = try table.needed("stts")
        let entries = try boxes.number(times.lowerBound + 4, in: times)
        var step = try boxes.number(times.lowerBound + 12, in: times)
        if isOurs {
            var most = 0
            for number in 0..<entries {
                let count = try boxes.number(times.lowerBound + 8 + 8 * number, in: times)
                if count > most {
                    (most, step) = (count, try boxes.number(times.lowerBound + 12 + 8 * number, in: times))
                }
            }
        }
        guard step > 0 else { throw MP4Boxes.Unusual() }
        if entries != 1, !isOurs {
            guard entries == 2, try boxes.number(times.lowerBound + 16, in: times) == 1 else {
                throw MP4Boxes.Unusual()
            }
        }
        let divisor = greatestDivisor(timescale, step)
        return StreamFacts(
            index: number, kind: .picture, codec: "h264", profile: format.profile, sampleRate: 0, channels: 0,
            width: format.width, height: format.height, pixelFormat: format.pixelFormat,
            frameRate: "\(timescale / divisor)/\(step / divisor)", timeBase: "1/\(timescale)",
            parameters: "SHA256:\(sha256(configuration))", start: .zero, end: .zero, packetCount: 0,
            firstPacketOffset: nil, byteCount: 0, isOrdered: true)
    }

    private static func sound(
        _ table: [MP4Boxes.Box], _ number: Int, _ timescale: Int, _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) -> StreamFacts {
        let entry = try entry(table, boxes)
        guard entry.type == "mp4a", try boxes.half(entry.body.lowerBound + 8, in: entry.body) == 0 else {
            throw MP4Boxes.Unusual()
        }
        let channels = try boxes.half(entry.body.lowerBound + 16, in: entry.body)
        let rate = try boxes.half(entry.body.lowerBound + 24, in: entry.body)
        let description = try children(of: entry, behind: 28, boxes).needed("esds")
        let codec: String
        switch objectType(Array(boxes.bytes[description].dropFirst(4))) {
        case 0x40: codec = "aac"
        case 0x69, 0x6b: codec = "mp3"
        default: throw MP4Boxes.Unusual()
        }
        return StreamFacts(
            index: number, kind: .sound, codec: codec, profile: "", sampleRate: rate, channels: channels, width: 0,
            height: 0, pixelFormat: "", frameRate: "0/0", timeBase: "1/\(timescale)", parameters: nil, start: .zero,
            end: .zero, packetCount: 0, firstPacketOffset: nil, byteCount: 0, isOrdered: true)
    }

    /// The object type of an elementary stream's descriptor (ISO/IEC 14496-1, 7.2.6), where it is of the plain form.
    private static func objectType(_ bytes: [UInt8]) -> UInt8? {
        var place = 0
        func open(_ tag: UInt8) -> Bool {
            guard place < bytes.count, bytes[place] == tag else { return false }
            place += 1
            // The length has seven bits a byte, four bytes at most.
            for _ in 0..<4 where place < bytes.count {
                place += 1
                if bytes[place - 1] & 0x80 == 0 { return true }
            }
            return false
        }
        guard open(3), place + 3 <= bytes.count, bytes[place + 2] & 0xe0 == 0 else { return nil }
        place += 3
        guard open(4), place < bytes.count else { return nil }
        return bytes[place]
    }

    private static func greatestDivisor(_ one: Int, _ other: Int) -> Int {
        other == 0 ? max(1, one) : greatestDivisor(other, one % other)
    }

    private static func sha256(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
        return digest.map { byte in
            let text = String(byte, radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }.joined()
    }
}

/// Goes through the packets of a track in decoding order.
struct MP4Cursor {
    struct Packet {
        let offset: Int
        let byteCount: Int
        /// In the track's own ticks.
        let decoded: Int
        /// From where its edit begins to play.
        let shown: Int
        let duration: Int
    }

    let count: Int
    private let boxes: MP4Boxes
    private let mediaTime: Int
    private let sizes: Range<Int>
    private let commonSize: Int
    private let chunks: Range<Int>
    private let chunkCount: Int
    private let hasLongOffsets: Bool
    private var perChunk: Runs
    private var durations: Runs
    private var shifts: Runs?
    private var number = 0
    private var chunk = 0
    private var leftInChunk = 0
    private var offset = 0
    private var time = 0

    /// A table that says how often a value comes, run by run.
    private struct Runs {
        let range: Range<Int>
        let entries: Int
        let width: Int
        private(set) var entry = -1
        var left = 0
        var value = 0

        init(_ range: Range<Int>, width: Int, _ boxes: MP4Boxes) throws(MP4Boxes.Unusual) {
            self.range = range
            self.width = width
            entries = try boxes.number(range.lowerBound + 4, in: range)
        }

        func place(_ entry: Int) -> Int { range.lowerBound + 8 + entry * width }

        /// The value for the next packet.
        mutating func next(_ boxes: MP4Boxes, isSigned: Bool) throws(MP4Boxes.Unusual) -> Int {
            while left == 0 {
                entry += 1
                guard entry < entries else { throw MP4Boxes.Unusual() }
                left = try boxes.number(place(entry), in: range)
                value =
                    isSigned
                    ? try boxes.signed(place(entry) + 4, in: range) : try boxes.number(place(entry) + 4, in: range)
            }
            left -= 1
            return value
        }

        /// For chunks: the value that holds from the chunk of this number on, counted from one.
        mutating func value(fromChunk chunk: Int, _ boxes: MP4Boxes) throws(MP4Boxes.Unusual) -> Int {
            while entry + 1 < entries, try boxes.number(place(entry + 1), in: range) <= chunk {
                entry += 1
                value = try boxes.number(place(entry) + 4, in: range)
                guard try boxes.number(place(entry) + 8, in: range) == 1 else { throw MP4Boxes.Unusual() }
            }
            guard entry >= 0 else { throw MP4Boxes.Unusual() }
            return value
        }
    }

    init(_ track: MP4Track, _ boxes: MP4Boxes) throws(MP4Boxes.Unusual) {
        self.boxes = boxes
        mediaTime = track.edit.mediaTime
        let table = track.sampleTable
        sizes = try table.needed("stsz")
        commonSize = try boxes.number(sizes.lowerBound + 4, in: sizes)
        count = try boxes.number(sizes.lowerBound + 8, in: sizes)
        guard count <= QuickProbe.mostPackets else { throw MP4Boxes.Unusual() }
        let long = try table.only("co64")
        hasLongOffsets = long != nil
        if let long { chunks = long } else { chunks = try table.needed("stco") }
        chunkCount = try boxes.number(chunks.lowerBound + 4, in: chunks)
        perChunk = try Runs(table.needed("stsc"), width: 12, boxes)
        durations = try Runs(table.needed("stts"), width: 8, boxes)
        if let range = try table.only("ctts") { shifts = try Runs(range, width: 8, boxes) }
    }

    mutating func next() throws(MP4Boxes.Unusual) -> Packet {
        while leftInChunk == 0 {
            guard chunk < chunkCount else { throw MP4Boxes.Unusual() }
            let place = chunks.lowerBound + 8 + chunk * (hasLongOffsets ? 8 : 4)
            offset = hasLongOffsets ? try boxes.long(place, in: chunks) : try boxes.number(place, in: chunks)
            chunk += 1
            leftInChunk = try perChunk.value(fromChunk: chunk, boxes)
        }
        let size = commonSize > 0 ? commonSize : try boxes.number(sizes.lowerBound + 12 + 4 * number, in: sizes)
        let duration = try durations.next(boxes, isSigned: false)
        let shift = try shifts?.next(boxes, isSigned: true) ?? 0
        // What reaches below zero is moved by rules of its own.
        guard shift >= 0, time < MP4Track.most, offset < 1 << 50 else { throw MP4Boxes.Unusual() }
        let packet = Packet(
            offset: offset, byteCount: size, decoded: time, shown: time + shift - mediaTime, duration: duration)
        offset += size
        time += duration
        number += 1
        leftInChunk -= 1
        return packet
    }
}
