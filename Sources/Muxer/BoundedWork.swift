/// Does work on all items, on at most `most` of them at a time. Gives what it made in the items' order; the first that
/// throws ends the others.
func atMost<Item: Sendable, Value: Sendable>(
    _ most: Int, of items: some Sequence<Item>, _ work: @escaping @Sendable (Item) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        var made: [Int: Value] = [:]
        var count = 0
        for item in items {
            if count >= most, let (place, value) = try await group.next() { made[place] = value }
            let place = count
            group.addTask { (place, try await work(item)) }
            count += 1
        }
        for try await (place, value) in group { made[place] = value }
        return (0..<count).compactMap { made[$0] }
    }
}
