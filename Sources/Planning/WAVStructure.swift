/// The chunks of a WAVE file (RIFF, and RF64 of EBU Tech 3306 for what 32 bits can't count): sizes are of the least byte first.
enum WAVStructure {
    /// More chunks than any writer makes.
    private static let mostChunks = 10_000
    /// Stands for a size that the writer did not know, or that `ds64` says.
    private static let unsaid: Int64 = 0xffff_ffff

    /// Whole where the samples are all there; what stands behind them may be missing an even byte.
    static func check<Failure: Error>(size: Int64, read: Container.Read<Failure>) throws(Failure) -> Wholeness {
        let head = try read(0, 12)
        guard head.count == 12 else { return .broken(.truncated(missing: nil)) }
        let kind = String(decoding: head[..<4], as: UTF8.self)
        guard ["RIFF", "RF64", "BW64"].contains(kind), head[8..<12].elementsEqual("WAVE".utf8) else {
            return .broken(.otherFormat)
        }
        var longData: Int64?
        var offset: Int64 = 12
        for _ in 0..<mostChunks {
            let chunk = try read(offset, 8)
            guard chunk.count == 8 else { return .broken(.truncated(missing: nil)) }
            var length = littleEndian(chunk[4..<8])
            let left = size - offset - 8
            switch String(decoding: chunk[..<4], as: UTF8.self) {
            case "ds64" where kind != "RIFF":
                let sizes = try read(offset + 8, 16)
                guard sizes.count == 16 else { return .broken(.truncated(missing: nil)) }
                longData = littleEndian(sizes[8..<16])
            case "data":
                if length == unsaid, let longData { length = longData }
                // Written to a stream, or not yet closed: where it ends nobody says. Writers to pipes put some size near 2 GiB.
                guard length != 0 && length != unsaid else { return .unknown }
                guard length <= left else {
                    return (0x7fff_0000...0x8000_0000).contains(length)
                        ? .unknown : .broken(.truncated(missing: length - left))
                }
                return try end(head, isLong: kind != "RIFF", dataEnd: offset + 8 + length, size: size, read: read)
            default: break
            }
            guard length <= left else { return .broken(.truncated(missing: length - left)) }
            offset += 8 + length + length % 2
            guard offset < size else { return .broken(.truncated(missing: nil)) }
        }
        return .unknown
    }

    /// What stands behind the samples: nothing, or whole chunks.
    private static func end<Failure: Error>(
        _ head: [UInt8], isLong: Bool, dataEnd: Int64, size: Int64, read: Container.Read<Failure>
    ) throws(Failure) -> Wholeness {
        let claimed = littleEndian(head[4..<8])
        if !isLong, claimed != 0, claimed != unsaid {
            // Some writers count the first eight bytes, too, or a last byte of padding that they do not write.
            let missing = claimed + 8 - size
            if missing > 9 { return .broken(.truncated(missing: missing)) }
        }
        var offset = dataEnd + dataEnd % 2
        for _ in 0..<mostChunks {
            if offset >= size { return .whole }
            let chunk = try read(offset, 8)
            guard chunk.count == 8, chunk[..<4].allSatisfy({ (0x20..<0x7f).contains($0) }) else { return .unknown }
            let length = littleEndian(chunk[4..<8])
            guard length <= size - offset - 8 else { return .unknown }
            offset += 8 + length + length % 2
        }
        return .unknown
    }

    private static func littleEndian(_ bytes: some BidirectionalCollection<UInt8>) -> Int64 {
        Container.bigEndian(bytes.reversed())
    }
}
