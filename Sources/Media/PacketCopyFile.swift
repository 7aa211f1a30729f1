internal import Vocabulary

/// The mp4 of copied packets: an index, then sound and pictures of half a second each in turns.
struct PacketCopyFile {
    private let copy: PacketCopy
    private let comment: String
    private let chunks: [Chunk]
    private let dataBytes: Int64

    /// Packets of one track that lie one behind the other.
    private struct Chunk {
        let isSound: Bool
        let packets: Range<Int>
        /// From the first byte of all packets on.
        let offset: Int64
        /// Of sound: where they lie in its file.
        var source: Int64 = 0
        let byteCount: Int
    }

    private static let chunkLength = Duration.milliseconds(500)
    private static let movieScale = 1000
    private static let blockBytes = 256 << 10
    private static let uprightMatrix = [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]

    init(_ copy: PacketCopy, comment: String) {
        self.copy = copy
        self.comment = comment
        var chunks: [Chunk] = []
        var offset: Int64 = 0
        var soundOffset = copy.sound.firstOffset
        let (pictures, sound) = (copy.pictures, copy.sound)
        var (picture, frame, turn) = (0, 0, 0)
        while picture < pictures.count || frame < sound.byteCounts.count {
            turn += 1
            let until = Self.chunkLength.wholeMicroseconds * Int64(turn)
            let lastTick = (pictures.first?.decoded ?? 0) + Int(until) * copy.timescale / 1_000_000
            let end = pictures[picture...].firstIndex { $0.decoded >= lastTick } ?? pictures.count
            if end > picture {
                let byteCount = pictures[picture..<end].reduce(0) { $0 + $1.byteCount }
                chunks.append(Chunk(isSound: false, packets: picture..<end, offset: offset, byteCount: byteCount))
                offset += Int64(byteCount)
                picture = end
            }
            let lastSample = Int(until) * sound.sampleRate / 1_000_000 + sound.skipped
            let endFrame = min(sound.byteCounts.count, lastSample / sound.samplesEach)
            if endFrame > frame {
                let byteCount = sound.byteCounts[frame..<endFrame].reduce(0) { $0 + Int($1) }
                chunks.append(
                    Chunk(
                        isSound: true, packets: frame..<endFrame, offset: offset, source: soundOffset,
                        byteCount: byteCount))
                offset += Int64(byteCount)
                soundOffset += Int64(byteCount)
                frame = endFrame
            }
        }
        self.chunks = chunks
        dataBytes = offset
    }

    /// Writes the whole file at the descriptor's own position. Throws ``MediaError``: `io`, `damaged` where a file ends before
    /// its packets do, `cancelled`.
    func write(to result: CInt, isCancelled: () -> Bool) throws(MediaError) {
        let doing = "mux"
        let isLong = dataBytes > Int64(UInt32.max) - (64 << 20)
        var head = BoxWriter()
        head.box("ftyp") { writer in
            writer.text("isom")
            writer.number(0x200)
            writer.text("isomiso2avc1mp41")
        }
        let dataHeader = isLong ? 16 : 8
        // How long it is does not depend on the places that it names.
        let indexBytes = index(dataAt: 0, isLong: isLong, byteCount: 0).count
        let dataAt = head.written.count + indexBytes + dataHeader
        func write(_ bytes: [UInt8]) throws(MediaError) {
            try bytes.withUnsafeBufferPointer { bytes throws(MediaError) in
                try writeFully(UnsafeRawBufferPointer(bytes), to: result, doing: doing)
            }
        }
        try write(head.written)
        try write(index(dataAt: Int64(dataAt), isLong: isLong, byteCount: indexBytes))
        head = BoxWriter()
        head.number(isLong ? 1 : Int(dataBytes) + dataHeader)
        head.text("mdat")
        if isLong { head.long(Int(dataBytes) + dataHeader) }
        try write(head.written)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.blockBytes, alignment: 64)
        defer { block.deallocate() }
        var filled = 0
        func flush() throws(MediaError) {
            if isCancelled() { throw MediaError(.cancelled, doing: doing, reason: "the task was cancelled") }
            try writeFully(UnsafeRawBufferPointer(rebasing: block[..<filled]), to: result, doing: doing)
            filled = 0
        }
        for chunk in chunks {
            for run in runs(of: chunk) {
                var (offset, left) = (run.offset, run.byteCount)
                while left > 0 {
                    if filled == block.count { try flush() }
                    let part = UnsafeMutableRawBufferPointer(
                        rebasing: block[filled..<min(block.count, filled + left)])
                    guard try readFully(run.file, into: part, at: offset, doing: doing) == part.count else {
                        throw MediaError(.damaged, doing: doing, reason: "a file ends before its packets do")
                    }
                    (offset, left, filled) = (offset + Int64(part.count), left - part.count, filled + part.count)
                }
            }
        }
        try flush()
    }

    private typealias Run = (file: CInt, offset: Int64, byteCount: Int)

    /// What of a chunk lies one behind the other in its file as well.
    private func runs(of chunk: Chunk) -> [Run] {
        if chunk.isSound { return [(copy.sound.file, chunk.source, chunk.byteCount)] }
        var runs: [Run] = []
        for picture in copy.pictures[chunk.packets] {
            if let last = runs.last, last.file == picture.file, last.offset + Int64(last.byteCount) == picture.offset {
                runs[runs.count - 1].byteCount += picture.byteCount
            } else {
                runs.append((picture.file, picture.offset, picture.byteCount))
            }
        }
        return runs
    }

    /// - Parameter byteCount: of the index, where it is known.
    private func index(dataAt: Int64, isLong: Bool, byteCount: Int) -> [UInt8] {
        var writer = BoxWriter(byteCount: byteCount)
        writer.box("moov") { writer in
            writer.fullBox("mvhd") { writer in
                writer.zeros(8)
                writer.number(Self.movieScale)
                writer.number(movieTicks)
                writer.number(1 << 16)
                writer.half(1 << 8)
                writer.zeros(10)
                for value in Self.uprightMatrix { writer.number(value) }
                writer.zeros(24)
                writer.number(3)
            }
            pictureTrack(&writer, dataAt: dataAt, isLong: isLong)
            soundTrack(&writer, dataAt: dataAt, isLong: isLong)
            writer.box("udta") { $0.fullBox("meta") { comment(&$0) } }
        }
        return writer.written
    }

    /// How long it plays, the last tick begun.
    private var movieTicks: Int { Int((copy.duration.wholeMicroseconds + 999) / 1000) }

    private func comment(_ writer: inout BoxWriter) {
        writer.fullBox("hdlr") { writer in
            writer.zeros(4)
            writer.text("mdirappl")
            writer.zeros(9)
        }
        writer.box("ilst") { writer in
            writer.box([0xa9] + Array("cmt".utf8)) { writer in
                writer.box("data") { writer in
                    writer.number(1)
                    writer.number(0)
                    writer.text(comment)
                }
            }
        }
    }

    private func pictureTrack(_ writer: inout BoxWriter, dataAt: Int64, isLong: Bool) {
        let pictures = copy.pictures
        let first = pictures[0].decoded
        // The last picture that is decoded stands until the end.
        let lastStep = max(1, copy.end - pictures[pictures.count - 1].shown)
        let steps = pictures.indices.lazy.map { number in
            number + 1 < pictures.count ? pictures[number + 1].decoded - pictures[number].decoded : lastStep
        }
        writer.box("trak") { writer in
            trackHeader(&writer, number: 1, isSound: false)
            edit(&writer, from: -first)
            writer.box("mdia") { writer in
                let length = pictures[pictures.count - 1].decoded - first + lastStep
                mediaHeader(&writer, timescale: copy.timescale, length: length, kind: "vide", name: "VideoHandler")
                writer.box("minf") { writer in
                    writer.fullBox("vmhd", flags: 1) { $0.zeros(8) }
                    ownData(&writer)
                    writer.box("stbl") { writer in
                        writer.fullBox("stsd") { writer in
                            writer.number(1)
                            writer.bytes(copy.pictureEntry)
                        }
                        writer.fullBox("stts") { $0.runs(steps) }
                        if !pictures.allSatisfy(\.isKey) { keys(&writer) }
                        if pictures.contains(where: { $0.shown != $0.decoded }) {
                            writer.fullBox("ctts") { $0.runs(pictures.lazy.map { $0.shown - $0.decoded }) }
                        }
                        chunkTables(&writer, ofSound: false, dataAt: dataAt, isLong: isLong)
                        writer.fullBox("stsz") { writer in
                            writer.number(0)
                            writer.number(pictures.count)
                            for picture in pictures { writer.number(picture.byteCount) }
                        }
                    }
                }
            }
        }
    }

    private func keys(_ writer: inout BoxWriter) {
        let keys = copy.pictures.indices.filter { copy.pictures[$0].isKey }
        writer.fullBox("stss") { writer in
            writer.number(keys.count)
            for key in keys { writer.number(key + 1) }
        }
    }

    private func soundTrack(_ writer: inout BoxWriter, dataAt: Int64, isLong: Bool) {
        let sound = copy.sound
        let length = sound.byteCounts.count * sound.samplesEach
        let byteCount = sound.byteCounts.reduce(0) { $0 + Int($1) }
        let bitRate = byteCount * 8 * sound.sampleRate / max(1, length)
        writer.box("trak") { writer in
            trackHeader(&writer, number: 2, isSound: true)
            edit(&writer, from: sound.skipped)
            writer.box("mdia") { writer in
                mediaHeader(&writer, timescale: sound.sampleRate, length: length, kind: "soun", name: "SoundHandler")
                writer.box("minf") { writer in
                    writer.fullBox("smhd") { $0.zeros(4) }
                    ownData(&writer)
                    writer.box("stbl") { writer in
                        writer.fullBox("stsd") { writer in
                            writer.number(1)
                            soundEntry(&writer, sampleRate: sound.sampleRate, bitRate: bitRate)
                        }
                        writer.fullBox("stts") { writer in
                            writer.number(1)
                            writer.number(sound.byteCounts.count)
                            writer.number(sound.samplesEach)
                        }
                        chunkTables(&writer, ofSound: true, dataAt: dataAt, isLong: isLong)
                        writer.fullBox("stsz") { writer in
                            writer.number(0)
                            writer.number(sound.byteCounts.count)
                            for count in sound.byteCounts { writer.number(Int(count)) }
                        }
                    }
                }
            }
        }
    }

    /// ISO/IEC 14496-14, 5.6; the descriptors by ISO/IEC 14496-1, 7.2.6.
    private func soundEntry(_ writer: inout BoxWriter, sampleRate: Int, bitRate: Int) {
        writer.box("mp4a") { writer in
            writer.zeros(6)
            writer.half(1)
            writer.zeros(8)
            writer.half(2)
            writer.half(16)
            writer.zeros(4)
            writer.number(sampleRate << 16)
            writer.fullBox("esds") { writer in
                func descriptor(_ tag: Int, _ count: Int) {
                    writer.byte(tag)
                    writer.bytes([0x80, 0x80, 0x80])
                    writer.byte(count)
                }
                descriptor(3, 27)
                writer.half(2)
                writer.byte(0)
                descriptor(4, 13)
                // MPEG-1 sound, or that of MPEG-2 with its lower rates; a stream of sound.
                writer.byte(sampleRate >= 32_000 ? 0x6b : 0x69)
                writer.byte(0x15)
                writer.zeros(3)
                writer.number(bitRate)
                writer.number(bitRate)
                descriptor(6, 1)
                writer.byte(2)
            }
        }
    }

    private func trackHeader(_ writer: inout BoxWriter, number: Int, isSound: Bool) {
        // Enabled, in the movie.
        writer.fullBox("tkhd", flags: 3) { writer in
            writer.zeros(8)
            writer.number(number)
            writer.number(0)
            writer.number(movieTicks)
            writer.zeros(8)
            writer.half(0)
            writer.half(isSound ? 1 : 0)
            writer.half(isSound ? 1 << 8 : 0)
            writer.half(0)
            for value in Self.uprightMatrix { writer.number(value) }
            writer.number(isSound ? 0 : copy.width << 16)
            writer.number(isSound ? 0 : copy.height << 16)
        }
    }

    /// Playing begins at this time of the track.
    private func edit(_ writer: inout BoxWriter, from time: Int) {
        writer.box("edts") { writer in
            writer.fullBox("elst") { writer in
                writer.number(1)
                writer.number(movieTicks)
                writer.number(time)
                writer.number(1 << 16)
            }
        }
    }

    private func mediaHeader(_ writer: inout BoxWriter, timescale: Int, length: Int, kind: String, name: String) {
        writer.fullBox("mdhd") { writer in
            writer.zeros(8)
            writer.number(timescale)
            writer.number(length)
            // No language.
            writer.half(0x55c4)
            writer.half(0)
        }
        writer.fullBox("hdlr") { writer in
            writer.zeros(4)
            writer.text(kind)
            writer.zeros(12)
            writer.text(name)
            writer.zeros(1)
        }
    }

    /// The packets lie in this very file.
    private func ownData(_ writer: inout BoxWriter) {
        writer.box("dinf") { writer in
            writer.fullBox("dref") { writer in
                writer.number(1)
                writer.fullBox("url ", flags: 1) { _ in }
            }
        }
    }

    private func chunkTables(_ writer: inout BoxWriter, ofSound: Bool, dataAt: Int64, isLong: Bool) {
        let chunks = chunks.filter { $0.isSound == ofSound }
        var changes: [(chunk: Int, count: Int)] = []
        for (number, chunk) in chunks.enumerated() where changes.last?.count != chunk.packets.count {
            changes.append((number + 1, chunk.packets.count))
        }
        writer.fullBox("stsc") { writer in
            writer.number(changes.count)
            for change in changes {
                writer.number(change.chunk)
                writer.number(change.count)
                writer.number(1)
            }
        }
        writer.fullBox(isLong ? "co64" : "stco") { writer in
            writer.number(chunks.count)
            for chunk in chunks {
                let place = Int(dataAt + chunk.offset)
                if isLong { writer.long(place) } else { writer.number(place) }
            }
        }
    }
}
