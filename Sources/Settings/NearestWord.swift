/// Finds the word that was probably meant.
enum NearestWord {
    /// The nearest of `words` by edits (insert, remove, change, swap of neighbours), where it is near enough to be a slip.
    static func to(_ typed: String, among words: some Sequence<String>) -> String? {
        let near = words.map { (word: $0, edits: edits(Array(folded(typed)), Array(folded($0)))) }
            .filter { $0.edits <= max(1, min($0.word.count, typed.count) / 3) }
        return near.min { ($0.edits, $0.word) < ($1.edits, $1.word) }?.word
    }

    /// Case and the choice between `-` and `_` do not count.
    private static func folded(_ word: String) -> String {
        String(word.lowercased().map { $0 == "-" ? "_" : $0 })
    }

    /// Optimal string alignment distance.
    private static func edits(_ one: [Character], _ other: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for (row, character) in one.enumerated() {
            var next = [row + 1]
            for (column, opposite) in other.enumerated() {
                var fewest = min(last[column + 1] + 1, next[column] + 1, last[column] + (character == opposite ? 0 : 1))
                if row > 0, column > 0, character == other[column - 1], one[row - 1] == opposite {
                    fewest = min(fewest, beforeLast[column - 1] + 1)
                }
                next.append(fewest)
            }
            beforeLast = last
            last = next
        }
        return last[other.count]
    }
}
