internal import TOMLKit

/// A value of a settings file with the line that its key is on.
struct DocumentValue {
    indirect enum Content {
        case string(String)
        case integer(Int)
        case decimal(Double)
        case boolean(Bool)
        case array([DocumentValue])
        case table([String: DocumentValue])
        /// Dates and times, which no setting takes.
        case moment
    }

    let content: Content
    let line: Int?

    /// What it is, for the sentence "expected …, found …". Never the value itself, which may be a secret.
    var kindName: String {
        switch content {
        case .string: "a text"
        case .integer: "a whole number"
        case .decimal: "a number with a decimal point"
        case .boolean: "true or false"
        case .array: "a list"
        case .table: "a table"
        case .moment: "a date or a time"
        }
    }
}

/// A settings file that is not TOML.
struct DocumentError: Error {
    let line: Int?
    let column: Int?
    let what: String
}

enum Document {
    /// Parses a whole file. The result's content is always a table.
    static func parse(_ bytes: [UInt8]) throws(DocumentError) -> DocumentValue {
        // The parser below stops at a zero byte without a word, and would read half a file.
        if let zero = bytes.firstIndex(of: 0) {
            throw DocumentError(line: lineNumber(of: zero, in: bytes), column: nil, what: "the file holds a zero byte")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DocumentError(line: nil, column: nil, what: "the file is not UTF-8 text")
        }
        let root: TOMLTable
        do {
            root = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw DocumentError(
                line: error.source.begin.line, column: error.source.begin.column, what: error.description)
        } catch {
            throw DocumentError(line: nil, column: nil, what: "\(error)")
        }
        let lines = KeyLines(of: bytes)
        return DocumentValue(content: .table(members(of: root, path: "", lines: lines, line: nil)), line: nil)
    }

    private static func members(
        of table: TOMLTable, path: String, lines: KeyLines, line: Int?
    ) -> [String: DocumentValue] {
        var members: [String: DocumentValue] = [:]
        for key in table.keys {
            guard let value = table[key] else { continue }
            let path = path.isEmpty ? key : path + "." + key
            members[key] = converted(value.tomlValue, path: path, lines: lines, parentLine: line)
        }
        return members
    }

    private static func converted(
        _ value: TOMLValue, path: String, lines: KeyLines, parentLine: Int?
    ) -> DocumentValue {
        let line = lines[path] ?? parentLine
        let content: DocumentValue.Content =
            if let text = value.string {
                .string(text)
            } else if let number = value.int {
                .integer(number)
            } else if let number = value.double {
                .decimal(number)
            } else if let flag = value.bool {
                .boolean(flag)
            } else if let list = value.array {
                .array(
                    list.enumerated().map { index, element in
                        converted(element.tomlValue, path: "\(path)[\(index)]", lines: lines, parentLine: line)
                    })
            } else if let table = value.table {
                .table(members(of: table, path: path, lines: lines, line: line))
            } else {
                .moment
            }
        return DocumentValue(content: content, line: line)
    }

    private static func lineNumber(of index: Int, in bytes: [UInt8]) -> Int {
        bytes[..<index].count { $0 == UInt8(ascii: "\n") } + 1
    }
}
