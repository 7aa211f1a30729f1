internal import Postgres
internal import Vocabulary

extension Row {
    /// A word of a closed set. Throws ``LedgerError`` `unknownWord`, which a later version may have written.
    func word<Word: RawRepresentable<String>>(_ column: String, as type: Word.Type = Word.self) throws -> Word {
        let text = try text(column)
        guard let word = Word(rawValue: text) else {
            throw LedgerError(
                code: .unknownWord,
                sentence: "The ledger's column \(column) holds the word \(text), which this version does not know.")
        }
        return word
    }
    func optionalWord<Word: RawRepresentable<String>>(
        _ column: String, as type: Word.Type = Word.self
    ) throws -> Word? {
        try raw(column) == nil ? nil : word(column)
    }
    func name<Name: TextName>(_ column: String, as type: Name.Type = Name.self) throws -> Name {
        Name(rawValue: try text(column))
    }
    func optionalName<Name: TextName>(_ column: String, as type: Name.Type = Name.self) throws -> Name? {
        try optionalText(column).map { Name(rawValue: $0) }
    }
    func number<Number: RowNumber>(_ column: String, as type: Number.Type = Number.self) throws -> Number {
        Number(rawValue: try integer(column))
    }
    func optionalNumber<Number: RowNumber>(_ column: String, as type: Number.Type = Number.self) throws -> Number? {
        try optionalInteger(column).map { Number(rawValue: $0) }
    }
    /// Of a `bigint[]` without NULL elements.
    func numbers<Number: RowNumber>(_ column: String, as type: Number.Type = Number.self) throws -> [Number] {
        (try optionalArray(column) ?? []).compactMap { element in
            element.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }.map { Number(rawValue: $0) }
        }
    }
    func count(_ column: String) throws -> Int { Int(clamping: try integer(column)) }
    func path(_ column: String) throws -> FilePath { FilePath(bytes: try bytes(column)) }
    func optionalPath(_ column: String) throws -> FilePath? { try optionalBytes(column).map(FilePath.init(bytes:)) }
    /// A span that the statement returns as microseconds.
    func optionalSpan(_ column: String) throws -> Duration? { try optionalInteger(column).map { .microseconds($0) } }
}

/// The columns of a value type, with times as microseconds.
struct ColumnList {
    let plain: [String]
    let times: [String]

    /// For a `select` or `returning` list; `prefix` is the table's alias.
    func text(of prefix: String) -> String {
        (plain.map { "\(prefix).\($0)" } + times.map { SQL.microseconds("\(prefix).\($0)") + " as \($0)" })
            .joined(separator: ", ")
    }
}
