/// The boxes of an mp4's index (ISO/IEC 14496-12, 4.2), in memory. Every place and length comes from outside: all are
/// checked, and what does not fit is `Unusual`, never a crash.
struct MP4Boxes {
    /// Something that is left to others to judge.
    struct Unusual: Error {}

    struct Box {
        /// Four letters.
        let type: String
        let body: Range<Int>
    }

    let bytes: [UInt8]

    func boxes(in range: Range<Int>) throws(Unusual) -> [Box] {
        var found: [Box] = []
        var place = range.lowerBound
        while place < range.upperBound {
            guard found.count < 4096 else { throw Unusual() }
            var length = try number(place, in: range)
            var header = 8
            if length == 1 {
                guard try number(place + 8, in: range) == 0 else { throw Unusual() }
                length = try number(place + 12, in: range)
                header = 16
            }
            guard length >= header, length <= range.upperBound - place else { throw Unusual() }
            found.append(Box(type: try text(place + 4, in: range), body: place + header..<place + length))
            place += length
        }
        return found
    }

    /// Four bytes, unsigned.
    func number(_ place: Int, in range: Range<Int>) throws(Unusual) -> Int {
        guard place >= range.lowerBound, range.upperBound - place >= 4 else { throw Unusual() }
        return bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    /// Four bytes, in two's complement.
    func signed(_ place: Int, in range: Range<Int>) throws(Unusual) -> Int {
        Int(Int32(truncatingIfNeeded: try number(place, in: range)))
    }

    /// Eight bytes below 2^62.
    func long(_ place: Int, in range: Range<Int>) throws(Unusual) -> Int {
        let high = try number(place, in: range)
        guard high < 1 << 30 else { throw Unusual() }
        return high << 32 | (try number(place + 4, in: range))
    }

    func half(_ place: Int, in range: Range<Int>) throws(Unusual) -> Int {
        guard place >= range.lowerBound, range.upperBound - place >= 2 else { throw Unusual() }
        return Int(bytes[place]) << 8 | Int(bytes[place + 1])
    }

    func text(_ place: Int, in range: Range<Int>) throws(Unusual) -> String {
        guard place >= range.lowerBound, range.upperBound - place >= 4 else { throw Unusual() }
        return String(decoding: bytes[place..<place + 4], as: UTF8.self)
    }
}

extension [MP4Boxes.Box] {
    /// The only box of its type; nil where there is none.
    func only(_ type: String) throws(MP4Boxes.Unusual) -> Range<Int>? {
        let found = filter { $0.type == type }
        guard found.count <= 1 else { throw MP4Boxes.Unusual() }
        return found.first?.body
    }

    func needed(_ type: String) throws(MP4Boxes.Unusual) -> Range<Int> {
        guard let found = try only(type) else { throw MP4Boxes.Unusual() }
        return found
    }
}
