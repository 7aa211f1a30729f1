/// Writes boxes of an mp4 (ISO/IEC 14496-12, 4.2) one into the other.
struct BoxWriter {
    private(set) var written: [UInt8] = []

    /// - Parameter byteCount: so much is going to be written, as far as is known.
    init(byteCount: Int = 0) { written.reserveCapacity(byteCount) }

    /// A box of less than 4 GiB, with what `body` writes in it.
    mutating func box(_ type: String, _ body: (inout BoxWriter) -> Void) { box(Array(type.utf8), body) }

    /// Types need not be text.
    mutating func box(_ type: [UInt8], _ body: (inout BoxWriter) -> Void) {
        let start = written.count
        number(0)
        bytes(type)
        body(&self)
        setNumber(written.count - start, at: start)
    }

    private mutating func setNumber(_ value: Int, at place: Int) {
        for byte in 0..<4 { written[place + byte] = UInt8(truncatingIfNeeded: value >> (24 - 8 * byte)) }
    }

    /// A box that says its version, 0, and flags first.
    mutating func fullBox(_ type: String, flags: Int = 0, _ body: (inout BoxWriter) -> Void) {
        box(type) { writer in
            writer.number(flags)
            body(&writer)
        }
    }

    mutating func byte(_ value: Int) { written.append(UInt8(truncatingIfNeeded: value)) }

    mutating func half(_ value: Int) {
        byte(value >> 8)
        byte(value)
    }

    /// Four bytes.
    mutating func number(_ value: Int) {
        half(value >> 16)
        half(value)
    }

    /// Eight bytes.
    mutating func long(_ value: Int) {
        number(value >> 32)
        number(value)
    }

    mutating func zeros(_ count: Int) { written.append(contentsOf: repeatElement(0, count: count)) }
    mutating func bytes(_ bytes: some Sequence<UInt8>) { written.append(contentsOf: bytes) }
    mutating func text(_ text: String) { written.append(contentsOf: text.utf8) }

    /// How often each value comes, run by run, behind the count of runs.
    mutating func runs(_ values: some Sequence<Int>) {
        let place = written.count
        number(0)
        var last: (count: Int, value: Int)?
        var count = 0
        func close(_ writer: inout BoxWriter) {
            guard let last else { return }
            writer.number(last.count)
            writer.number(last.value)
            count += 1
        }
        for value in values {
            if last?.value == value {
                last?.count += 1
            } else {
                close(&self)
                last = (1, value)
            }
        }
        close(&self)
        setNumber(count, at: place)
    }

    /// A sample entry of H.264 pictures with what `boxes` writes behind it (ISO/IEC 14496-12, 12.1.3).
    mutating func pictureEntry(width: Int, height: Int, _ boxes: (inout BoxWriter) -> Void) {
        box("avc1") { writer in
            writer.zeros(6)
            writer.half(1)
            writer.zeros(16)
            writer.half(width)
            writer.half(height)
            // 72 pixels an inch.
            writer.number(72 << 16)
            writer.number(72 << 16)
            writer.number(0)
            writer.half(1)
            writer.zeros(32)
            writer.half(24)
            writer.half(0xffff)
            boxes(&writer)
        }
    }
}
