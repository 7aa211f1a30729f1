internal import Planning
internal import Vocabulary

/// The packets of a result that has them all as its sound and its screens have them: where each lies, and when it comes.
///
/// Starting ffmpeg takes longer than all that is done here. Whatever is unusual is left to it.
struct PacketCopy {
    /// There are many: 32 bytes each.
    struct Picture {
        let offset: Int64
        /// In ticks of the result, whose first picture is decoded before zero where pictures are reordered.
        var decoded: Int
        private let shift: Int32
        private let size: Int32
        let file: CInt
        let isKey: Bool

        var shown: Int { decoded + Int(shift) }
        var byteCount: Int { Int(size) }

        /// Nil where it is longer, or is shown later, than any picture.
        init?(file: CInt, offset: Int64, byteCount: Int, decoded: Int, shown: Int, isKey: Bool) {
            guard let size = Int32(exactly: byteCount), let shift = Int32(exactly: shown - decoded) else { return nil }
            (self.file, self.offset, self.decoded, self.isKey) = (file, offset, decoded, isKey)
            (self.size, self.shift) = (size, shift)
        }
    }

    /// Frames of one mp3 that lie one behind the other.
    struct Sound {
        let file: CInt
        let firstOffset: Int64
        let byteCounts: [UInt16]
        let sampleRate: Int
        let samplesEach: Int
        /// Samples that a decoder only needs to get going.
        let skipped: Int
    }

    private(set) var pictures: [Picture] = []
    let sound: Sound
    /// The sample entry of the pictures, a whole box.
    let pictureEntry: [UInt8]
    let width: Int
    let height: Int
    /// Ticks a second of the pictures.
    let timescale: Int
    let duration: Duration
    /// When the last of the pictures that there are so far is shown.
    private var latest = Int.min

    /// More pictures than this are left to ffmpeg, so that memory stays small: half a day has less.
    private static let mostPictures = 250_000
    private static let mostTicksPerSecond = 10_000_000
    private static let longest = Duration.seconds(200_000)

    /// Reads the files by pread(2), their indexes and little more; blocks. Nil for whatever is unusual. Throws ``MediaError``
    /// `io`.
    ///
    /// - Parameter slice: what padding is made of; nil where there is none.
    init?(
        _ plan: MuxPlan, sound: MuxInput, screens: [MuxInput], slice: CInt?, sliceLength: Duration
    ) throws(MediaError) {
        let shown = plan.shownPieces
        guard plan.duration < Self.longest, let found = try PacketCopy.frames(of: sound),
            let model = shown.compactMap(\.screen).first,
            let first = try IndexedPictures(screens[model].descriptor), first.track.timescale <= Self.mostTicksPerSecond
        else { return nil }
        self.sound = found
        duration = plan.duration
        timescale = first.track.timescale
        pictureEntry = first.entry
        (width, height) = (first.width, first.height)
        var black: IndexedPictures?
        if let slice {
            guard let found = try IndexedPictures(slice), found.joins(first), found.count == 1 else { return nil }
            black = found
        }
        for piece in shown {
            switch piece.content {
            case .padding:
                guard let black else { return nil }
                for start in MuxCommand.sliceStarts(from: piece.start, to: piece.end, length: sliceLength) {
                    guard let picture = black.first else { return nil }
                    guard append(1, at: ticks(start) - picture.shown, { picture }) else { return nil }
                }
            case .screen(let number, let from, let stretch):
                guard from == .zero, stretch == 1 else { return nil }
                let source = try number == model ? first : IndexedPictures(screens[number].descriptor)
                guard let source, source.joins(first), var reader = source.reader else { return nil }
                let start = piece.start + source.track.edit.delay - screens[number].facts.start
                guard append(source.count, at: ticks(start), { reader.next() }) else { return nil }
            }
        }
        guard holdsTogether() else { return nil }
    }

    /// So many of what `next` gives. False where it gives fewer, or they do not come behind those that are there.
    private mutating func append(_ count: Int, at start: Int, _ next: () -> Picture?) -> Bool {
        let wanted = pictures.count + count
        guard count > 0, wanted <= Self.mostPictures, let first = next(), first.isKey, first.shown + start > latest
        else {
            return false
        }
        // Growing by itself an array has twice what it needs, and once more while it moves.
        if pictures.capacity < wanted { pictures.reserveCapacity(max(wanted, pictures.count * 5 / 4)) }
        let isFirst = pictures.isEmpty
        var following: Picture? = first
        for number in 1...count {
            guard var picture = following, picture.shown >= first.shown else { return false }
            picture.decoded += start
            latest = max(latest, picture.shown)
            pictures.append(picture)
            if number < count { following = next() }
        }
        // It stands from the start on.
        if isFirst, pictures[0].shown > 0 { pictures[0].decoded -= pictures[0].shown }
        return true
    }

    /// Whether times are such that every player takes them.
    private func holdsTogether() -> Bool {
        guard let first = pictures.first, first.shown == 0, first.decoded <= 0 else { return false }
        let end = self.end
        let isOrdered = zip(pictures, pictures.dropFirst()).allSatisfy {
            $0.decoded < $1.decoded && $1.decoded - $0.decoded < Int(UInt32.max)
        }
        return isOrdered && end - first.decoded < Int(UInt32.max)
            && pictures.allSatisfy { $0.decoded <= $0.shown && $0.shown < end }
    }

    /// When the last picture ends.
    var end: Int { ticks(duration) }

    private func ticks(_ time: Duration) -> Int {
        Int((Double(time.wholeMicroseconds) * Double(timescale) / 1e6).rounded())
    }

    private static func frames(of sound: MuxInput) throws(MediaError) -> Sound? {
        guard sound.format == .mp3, let quick = sound.quick, let facts = quick.facts.sound,
            let offset = facts.firstPacketOffset, let file = try FileWindow(sound.descriptor, doing: "mux"),
            let byteCounts = try MP3Packets.byteCounts(file, from: offset, count: quick.sound.count)
        else { return nil }
        return Sound(
            file: sound.descriptor, firstOffset: offset, byteCounts: byteCounts, sampleRate: facts.sampleRate,
            samplesEach: facts.sampleRate >= 32_000 ? 1152 : 576,
            skipped: Int((facts.start.inSeconds * Double(facts.sampleRate)).rounded()))
    }
}

/// The pictures of an mp4 as its index names them.
private struct IndexedPictures {
    let track: MP4Track
    let width: Int
    let height: Int
    /// The sample entry: what decides how pictures are decoded and shown, and nothing else.
    let entry: [UInt8]
    /// Of the first picture; nil where it is not all that a decoder needs.
    let first: PacketCopy.Picture?
    private let boxes: MP4Boxes
    private let descriptor: CInt
    /// Counted from one, in order; nil: all.
    private let keys: [Int]?

    /// Boxes of a sample entry that are taken over, and those that may be left out.
    private static let kept: Set<String> = ["avcC", "pasp", "colr"]
    private static let leftOut: Set<String> = ["btrt"]
    private static let uprightMatrix = [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]

    var count: Int { (try? MP4Cursor(track, boxes))?.count ?? 0 }

    init?(_ descriptor: CInt) throws(MediaError) {
        guard let file = try FileWindow(descriptor, doing: "mux"), let index = try MP4Packets.readIndex(file) else {
            return nil
        }
        let boxes = MP4Boxes(bytes: index)
        guard let read = try? IndexedPictures.read(boxes) else { return nil }
        (track, width, height, entry, keys) = (read.track, read.width, read.height, read.entry, read.keys)
        self.boxes = boxes
        self.descriptor = descriptor
        guard var cursor = try? MP4Cursor(track, boxes), let packet = try? cursor.next() else { return nil }
        let picture = IndexedPictures.picture(packet, isKey: keys.map { $0.first == 1 } ?? true, track, descriptor)
        guard let picture else { return nil }
        let standsAlone = try IndexedPictures.standsAlone(picture, lengthBytes: read.lengthBytes, file)
        first = standsAlone ? picture : nil
    }

    private struct Read {
        let track: MP4Track
        let width: Int
        let height: Int
        let entry: [UInt8]
        let keys: [Int]?
        /// Of the length before each part of a picture.
        let lengthBytes: Int
    }

    private static func read(_ boxes: MP4Boxes) throws(MP4Boxes.Unusual) -> Read {
        let tracks = try MP4Track.tracks(in: boxes, isOurs: false)
        let movie = try boxes.boxes(in: boxes.bytes.indices)
        let header = try boxes.boxes(in: movie.needed("trak")).needed("tkhd")
        guard tracks.count == 1, tracks[0].facts.kind == .picture else { throw MP4Boxes.Unusual() }
        let entries = try tracks[0].sampleTable.needed("stsd")
        guard let box = try boxes.boxes(in: entries.lowerBound + 8..<entries.upperBound).first, box.body.count >= 78
        else { throw MP4Boxes.Unusual() }
        let width = try boxes.half(box.body.lowerBound + 24, in: box.body)
        let height = try boxes.half(box.body.lowerBound + 26, in: box.body)
        let isLong = try boxes.number(header.lowerBound, in: header) >> 24 == 1
        let matrix = header.lowerBound + (isLong ? 52 : 40)
        for (place, value) in (uprightMatrix + [width << 16, height << 16]).enumerated() {
            guard try boxes.number(matrix + 4 * place, in: header) == value else { throw MP4Boxes.Unusual() }
        }
        let children = try boxes.boxes(in: box.body.lowerBound + 78..<box.body.upperBound)
        guard children.allSatisfy({ kept.contains($0.type) || leftOut.contains($0.type) }) else {
            throw MP4Boxes.Unusual()
        }
        let configuration = try children.needed("avcC")
        guard configuration.count > 4 else { throw MP4Boxes.Unusual() }
        let lengthBytes = Int(boxes.bytes[configuration.lowerBound + 4] & 3) + 1
        var writer = BoxWriter()
        writer.pictureEntry(width: width, height: height) { writer in
            for child in children where kept.contains(child.type) {
                writer.box(child.type) { $0.bytes(boxes.bytes[child.body]) }
            }
        }
        return Read(
            track: tracks[0], width: width, height: height, entry: writer.written,
            keys: try keys(in: tracks[0].sampleTable, boxes), lengthBytes: lengthBytes)
    }

    private static func keys(
        in table: [MP4Boxes.Box], _ boxes: MP4Boxes
    ) throws(MP4Boxes.Unusual) -> [Int]? {
        guard let range = try table.only("stss") else { return nil }
        let count = try boxes.number(range.lowerBound + 4, in: range)
        guard count <= range.count / 4 else { throw MP4Boxes.Unusual() }
        var keys: [Int] = []
        for number in 0..<count {
            let key = try boxes.number(range.lowerBound + 8 + 4 * number, in: range)
            guard key > keys.last ?? 0 else { throw MP4Boxes.Unusual() }
            keys.append(key)
        }
        return keys
    }

    private static func picture(
        _ packet: MP4Cursor.Packet, isKey: Bool, _ track: MP4Track, _ descriptor: CInt
    ) -> PacketCopy.Picture? {
        PacketCopy.Picture(
            file: descriptor, offset: Int64(packet.offset), byteCount: packet.byteCount,
            decoded: packet.decoded - track.edit.mediaTime, shown: packet.shown, isKey: isKey)
    }

    /// Whether a decoder that begins with it needs nothing from before: an IDR picture (ITU-T H.264, 7.4.1.2.4), in parts
    /// that have their length before them.
    private static func standsAlone(
        _ picture: PacketCopy.Picture, lengthBytes: Int, _ file: FileWindow
    ) throws(MediaError) -> Bool {
        var place = picture.offset
        let end = picture.offset + Int64(picture.byteCount)
        var isWhole = false
        while place < end {
            let head = try file.bytes(at: place, count: lengthBytes + 1)
            guard head.count == lengthBytes + 1 else { return false }
            let length = head[..<lengthBytes].reduce(Int64(0)) { $0 << 8 | Int64($1) }
            guard length > 0, length <= end - place - Int64(lengthBytes) else { return false }
            switch head[lengthBytes] & 31 {
            case 1...4: return false
            case 5: isWhole = true
            default: break
            }
            place += Int64(lengthBytes) + length
        }
        return isWhole
    }

    /// Whether pictures of both can stand in one track.
    func joins(_ other: IndexedPictures) -> Bool {
        track.timescale == other.track.timescale && width == other.width && height == other.height
            && track.facts.parameters == other.track.facts.parameters && first != nil
    }

    /// From the first picture on; nil where the index is unusual after all.
    var reader: Reader? { (try? MP4Cursor(track, boxes)).map { Reader(of: self, cursor: $0) } }

    /// Goes through the pictures in decoding order.
    struct Reader {
        private let source: IndexedPictures
        private var cursor: MP4Cursor
        private var number = 0
        private var nextKey = 0

        fileprivate init(of source: IndexedPictures, cursor: MP4Cursor) {
            self.source = source
            self.cursor = cursor
        }

        /// Nil where the index is unusual after all, or at its end.
        mutating func next() -> PacketCopy.Picture? {
            guard number < cursor.count, let packet = try? cursor.next() else { return nil }
            number += 1
            var isKey = true
            if let keys = source.keys {
                isKey = nextKey < keys.count && keys[nextKey] == number
                if isKey { nextKey += 1 }
            }
            return IndexedPictures.picture(packet, isKey: isKey, source.track, source.descriptor)
        }
    }
}
