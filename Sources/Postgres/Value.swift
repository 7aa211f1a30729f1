package import Vocabulary

/// What can stand for a `$n` in a statement. Sent as text; the server infers the type, so cast in SQL where it can't.
package enum Value: Hashable, Sendable {
    case null
    case text(String)
    /// Text whose bytes need not be UTF-8: for databases whose encoding says nothing (`SQL_ASCII`).
    case rawText([UInt8])
    case integer(Int64)
    case real(Double)
    case boolean(Bool)
    /// For `bytea`.
    case bytes([UInt8])
    /// For `bigint[]`.
    case integers([Int64])
    /// For `text[]`; nil elements are NULL.
    case texts([String?])
    /// For an array of any type; each element as it would be sent by itself.
    case array([Value])

    /// PostgreSQL's text form; nil for NULL.
    var wireText: [UInt8]? {
        switch self {
        case .null: nil
        case .text(let text): Array(text.utf8.filter { $0 != 0 })
        case .rawText(let bytes): bytes.filter { $0 != 0 }
        case .integer(let number): Array(String(number).utf8)
        case .real(let number): Array(String(number).utf8)
        case .boolean(let flag): [flag ? UInt8(ascii: "t") : UInt8(ascii: "f")]
        case .bytes(let bytes): Array("\\x".utf8) + Array(Hex.text(of: bytes).utf8)
        case .integers(let numbers): Array("{\(numbers.map(String.init).joined(separator: ","))}".utf8)
        case .texts(let texts): Value.arrayText(texts.count) { texts[$0].map { Array($0.utf8) } }
        case .array(let values): Value.arrayText(values.count) { values[$0].wireText }
        }
    }

    /// `{"a","b \"c\"",NULL}`; no element is taken for another type's word.
    private static func arrayText(_ count: Int, _ element: (Int) -> [UInt8]?) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "{")]
        text.reserveCapacity(16 * count + 2)
        for place in 0..<count {
            if place > 0 { text.append(UInt8(ascii: ",")) }
            guard let bytes = element(place) else {
                text += "NULL".utf8
                continue
            }
            text.append(UInt8(ascii: "\""))
            for byte in bytes where byte != 0 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text.append(UInt8(ascii: "\\")) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
        return text
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral
{
    package init(stringLiteral text: String) { self = .text(text) }
    package init(integerLiteral number: Int64) { self = .integer(number) }
    package init(booleanLiteral flag: Bool) { self = .boolean(flag) }
    package init(nilLiteral: ()) { self = .null }
}

extension Value {
    package init(_ text: String?) { self = text.map(Value.text) ?? .null }
    package init(_ number: Int64?) { self = number.map(Value.integer) ?? .null }
    package init(_ number: Int?) { self = number.map { .integer(Int64($0)) } ?? .null }
    package init(_ name: (some TextName)?) { self = name.map { .text($0.rawValue) } ?? .null }
    package init(_ sid: Sid) { self = .text(sid.rawValue) }
    package init(_ token: FencingToken) { self = .integer(token.rawValue) }
    package init(_ digest: Digest?) { self = digest.map { .bytes($0.bytes) } ?? .null }
    /// For `timestamp without time zone`.
    package init(_ time: WallTime?) { self = time.map { .text($0.sqlText) } ?? .null }
    /// For `timestamp with time zone`.
    package init(_ instant: Instant?) {
        self = instant.map { .text(WallTime(microseconds: $0.microseconds).sqlText + "+00") } ?? .null
    }
    /// For an `interval`.
    package init(_ span: Duration) { self = .text("\(span.wholeMicroseconds) microseconds") }
}
