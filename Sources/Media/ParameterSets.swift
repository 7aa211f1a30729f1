/// The parameter sets that an mp4 names for all its pictures (ISO/IEC 14496-15, 5.3.3), and those that stand among them.
///
/// A set among the pictures takes the place of the named one of its number, also for what is joined behind it, which was
/// made for the named one: it would be decoded wrongly, and need not be complained of.
struct ParameterSets {
    /// Of the length before each part of a picture.
    private let lengthBytes: Int
    private let named: Set<[UInt8]>

    /// Nil where the configuration is cut.
    private init?(configuration: ArraySlice<UInt8>) {
        let bytes = Array(configuration)
        guard bytes.count > 6 else { return nil }
        lengthBytes = Int(bytes[4] & 3) + 1
        var named: Set<[UInt8]> = []
        var place = 5
        for mask in [UInt8(31), 255] {
            guard place < bytes.count else { return nil }
            let count = bytes[place] & mask
            place += 1
            for _ in 0..<count {
                guard place + 2 <= bytes.count else { return nil }
                let length = Int(bytes[place]) << 8 | Int(bytes[place + 1])
                place += 2
                guard place + length <= bytes.count else { return nil }
                named.insert(Array(bytes[place..<place + length]))
                place += length
            }
        }
        self.named = named
    }

    /// Whether pictures of an mp4 bring sets along that are not those that it names. Nil where it is of no plain kind.
    ///
    /// Reads the file by pread(2), of each picture little more than the heads of its parts; blocks. Throws ``MediaError`` `io`.
    static func change(in descriptor: CInt) throws(MediaError) -> Bool? {
        guard let file = try FileWindow(descriptor, doing: "mux", windowBytes: 16 << 10),
            let index = try MP4Packets.readIndex(file)
        else { return nil }
        let boxes = MP4Boxes(bytes: index)
        guard let track = try? MP4Track.tracks(in: boxes, isOurs: true).first(where: { $0.facts.kind == .picture }),
            let sets = try? ParameterSets(of: track, boxes), var cursor = try? MP4Cursor(track, boxes)
        else { return nil }
        for _ in 0..<cursor.count {
            guard let packet = try? cursor.next(), packet.byteCount <= file.size - Int64(packet.offset) else {
                return nil
            }
            guard try sets.nameAll(of: packet, in: file) else { return true }
        }
        return false
    }

    private init?(of track: MP4Track, _ boxes: MP4Boxes) throws(MP4Boxes.Unusual) {
        let entries = try track.sampleTable.needed("stsd")
        guard let entry = try boxes.boxes(in: entries.lowerBound + 8..<entries.upperBound).first, entry.body.count >= 78
        else { return nil }
        let children = try boxes.boxes(in: entry.body.lowerBound + 78..<entry.body.upperBound)
        self.init(configuration: boxes.bytes[try children.needed("avcC")])
    }

    /// False also where the picture's parts cannot be told.
    private func nameAll(of picture: MP4Cursor.Packet, in file: FileWindow) throws(MediaError) -> Bool {
        var place = Int64(picture.offset)
        let end = place + Int64(picture.byteCount)
        while place < end {
            guard let head = try file.number(at: place) else { return false }
            let length = Int64(head >> UInt32(8 * (4 - lengthBytes)))
            place += Int64(lengthBytes)
            guard length > 0, length <= end - place, let kind = try file.byte(at: place) else { return false }
            switch kind & 31 {
            // Of a sequence, of pictures.
            case 7, 8:
                guard length <= 1 << 16, named.contains(try file.bytes(at: place, count: Int(length))) else {
                    return false
                }
            // Of what stands beside a sequence, and of layers.
            case 13, 15: return false
            default: break
            }
            place += length
        }
        return true
    }
}
