/// CRC-32 as zip, gzip and callrec rows have it (ISO 3309, reflected polynomial 0xEDB88320).
package struct CRC32: Sendable {
    private var register: UInt32 = 0xFFFF_FFFF

    package init() {}
    package var value: UInt32 { ~register }

    /// Eight bytes a step, each by a table of its own.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var crc = register
        CRC32.tables.withUnsafeBufferPointer { table in
            var index = 0
            while index + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let low = UInt32(truncatingIfNeeded: word) ^ crc
                let high = UInt32(truncatingIfNeeded: word >> 32)
                crc =
                    table[1792 + Int(low & 255)] ^ table[1536 + Int(low >> 8 & 255)]
                    ^ table[1280 + Int(low >> 16 & 255)] ^ table[1024 + Int(low >> 24)]
                    ^ table[768 + Int(high & 255)] ^ table[512 + Int(high >> 8 & 255)]
                    ^ table[256 + Int(high >> 16 & 255)] ^ table[Int(high >> 24)]
                index += 8
            }
            while index < bytes.count {
                crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])] ^ crc >> 8
                index += 1
            }
        }
        register = crc
    }

    /// Eight tables of 256: the nth gives the effect of a byte with n zero bytes behind it.
    private static let tables: [UInt32] = {
        var all = [UInt32](repeating: 0, count: 2048)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
            all[byte] = crc
        }
        for index in 256..<2048 {
            let before = all[index - 256]
            all[index] = all[Int(before & 255)] ^ before >> 8
        }
        return all
    }()
}
