/// A statement and how its rows are read: to be asked together with others, with one wait for all.
package struct Question<Answer> {
    let sql: String
    let values: [Value]
    let read: ([Row]) throws -> Answer

    package init(_ sql: String, _ values: [Value] = [], read: @escaping ([Row]) throws -> Answer) {
        self.sql = sql
        self.values = values
        self.read = read
    }
}

extension Session {
    /// Asks one question by itself.
    package func answer<Answer>(_ question: Question<Answer>) throws -> Answer {
        try question.read(query(question.sql, question.values))
    }
}
