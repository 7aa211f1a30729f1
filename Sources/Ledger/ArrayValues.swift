internal import Postgres
internal import Vocabulary

/// Array parameters, for statements that take a batch through `unnest`.
extension Value {
    static func names(_ names: some Sequence<some TextName>) -> Value { .texts(names.map(\.rawValue)) }
    static func sids(_ sids: some Sequence<Sid>) -> Value { .texts(sids.map(\.rawValue)) }
    static func numbers(_ numbers: some Sequence<some RowNumber>) -> Value { .integers(numbers.map(\.rawValue)) }
    static func tokens(_ tokens: some Sequence<FencingToken>) -> Value { .integers(tokens.map(\.rawValue)) }

    /// For `bigint[]` with NULL elements.
    static func integers(_ numbers: some Sequence<Int64?>) -> Value { .texts(numbers.map { $0.map(String.init) }) }
    /// For `bytea[]`.
    static func byteStrings(_ strings: some Sequence<[UInt8]?>) -> Value {
        .texts(strings.map { $0.map { "\\x" + Hex.text(of: $0) } })
    }
    /// For `boolean[]`.
    static func booleans(_ flags: some Sequence<Bool>) -> Value { .texts(flags.map { $0 ? "t" : "f" }) }
    /// For `interval[]`.
    static func spans(_ spans: some Sequence<Duration?>) -> Value {
        .texts(spans.map { $0.map { "\($0.wholeMicroseconds) microseconds" } })
    }
    /// For `timestamptz[]`.
    static func instants(_ instants: some Sequence<Instant?>) -> Value {
        .texts(instants.map { $0.map { WallTime(microseconds: $0.microseconds).sqlText + "+00" } })
    }
    /// For `timestamp[]`.
    static func wallTimes(_ times: some Sequence<WallTime?>) -> Value { .texts(times.map { $0?.sqlText }) }
    /// For `float8[]`.
    static func reals(_ numbers: some Sequence<Double>) -> Value { .texts(numbers.map { String($0) }) }
}
