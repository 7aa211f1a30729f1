/// What the parameter sets of H.264 in mp4 say of its pictures (ISO/IEC 14496-15, 5.3.3; ITU-T H.264, 7.3.2.1).
struct H264Format: Hashable {
    let profile: String
    let width: Int
    let height: Int
    /// "yuv420p" or "yuvj420p".
    let pixelFormat: String

    /// Nil where there is more or other than one set of 8-bit 4:2:0 pictures of the usual profiles.
    init?(configuration: [UInt8]) {
        guard configuration.count > 8, configuration[0] == 1, configuration[5] & 31 == 1 else { return nil }
        let count = Int(configuration[6]) << 8 | Int(configuration[7])
        guard count >= 4, configuration.count >= 8 + count else { return nil }
        let set = Array(configuration[8..<8 + count])
        guard set[0] & 31 == 7 else { return nil }
        switch (set[1], set[2] & 0x40) {
        case (66, 0x40): profile = "Constrained Baseline"
        case (66, _): profile = "Baseline"
        case (77, _): profile = "Main"
        case (100, _): profile = "High"
        default: return nil
        }
        var bits = BitReader(H264Format.unescaped(set.dropFirst(4)))
        guard let size = H264Format.size(&bits, isHigh: set[1] == 100), let isFull = H264Format.isFullRange(&bits)
        else {
            return nil
        }
        (width, height) = size
        pixelFormat = isFull ? "yuvj420p" : "yuv420p"
    }

    /// Bytes 0 0 3 stand for 0 0.
    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        var zeros = 0
        for byte in bytes {
            if zeros >= 2 && byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            plain.append(byte)
        }
        return plain
    }

    private static func size(_ bits: inout BitReader, isHigh: Bool) -> (Int, Int)? {
        guard bits.number() != nil else { return nil }
        if isHigh {
            // Chroma 4:2:0, eight bits, no bypass, no scaling lists.
            guard bits.number() == 1, bits.number() == 0, bits.number() == 0, bits.take(1) == 0, bits.take(1) == 0
            else {
                return nil
            }
        }
        guard bits.number() != nil, let order = bits.number() else { return nil }
        switch order {
        case 0: guard bits.number() != nil else { return nil }
        case 2: break
        default: return nil
        }
        guard bits.number() != nil, bits.take(1) != nil, let columns = bits.number(), let rows = bits.number(),
            // Pictures of two fields are left to others.
            bits.take(1) == 1
        else { return nil }
        guard columns < 4096, rows < 4096, bits.take(1) != nil, let isCropped = bits.take(1) else { return nil }
        var crop = [0, 0, 0, 0]
        if isCropped == 1 {
            for side in crop.indices {
                guard let cut = bits.number(), cut < 4096 else { return nil }
                crop[side] = cut
            }
        }
        let width = (columns + 1) * 16 - 2 * (crop[0] + crop[1])
        let height = (rows + 1) * 16 - 2 * (crop[2] + crop[3])
        return width > 0 && height > 0 ? (width, height) : nil
    }

    private static func isFullRange(_ bits: inout BitReader) -> Bool? {
        guard let hasUsability = bits.take(1) else { return nil }
        guard hasUsability == 1, let hasAspect = bits.take(1) else { return hasUsability == 0 ? false : nil }
        if hasAspect == 1 {
            guard let aspect = bits.take(8) else { return nil }
            if aspect == 255, bits.take(32) == nil { return nil }
        }
        guard let hasOverscan = bits.take(1) else { return nil }
        if hasOverscan == 1, bits.take(1) == nil { return nil }
        guard let hasSignal = bits.take(1) else { return nil }
        guard hasSignal == 1 else { return false }
        guard bits.take(3) != nil, let isFull = bits.take(1) else { return nil }
        return isFull == 1
    }
}

/// Bits from the most significant on; nil behind the end.
private struct BitReader {
    private let bytes: [UInt8]
    private var place = 0
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// At most 32.
    mutating func take(_ count: Int) -> Int? {
        guard place + count <= bytes.count * 8 else { return nil }
        var value = 0
        for _ in 0..<count {
            value = value << 1 | Int(bytes[place >> 3] >> UInt8(7 - place & 7) & 1)
            place += 1
        }
        return value
    }

    /// Exp-Golomb, unsigned.
    mutating func number() -> Int? {
        var zeros = 0
        while let bit = take(1), bit == 0 { zeros += 1 }
        guard zeros <= 24, let rest = take(zeros) else { return nil }
        return (1 << zeros) - 1 + rest
    }
}
