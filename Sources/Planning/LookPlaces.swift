/// Which recordings have a place in a look beside its page: what was hinted at, and what is due again.
package enum LookPlaces {
    /// All that was hinted at, as nothing else brings those that have their marks. What is due gets what is left of `limit`,
    /// and a quarter of it in any case: hints that never end must not keep it waiting for ever.
    ///
    /// - Parameter due: the longest due first.
    package static func choose(hinted: Set<Int64>, due: [Int64], limit: Int) -> [Int64] {
        let places = max(limit - hinted.count, (limit + 3) / 4)
        return hinted.sorted() + due.lazy.filter { !hinted.contains($0) }.prefix(places)
    }
}
