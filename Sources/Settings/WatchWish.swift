/// How an operator wants changes of a mount to be noticed; the words but `auto` are those of Planning's `WatchMode`.
package enum WatchWish: String, Hashable, Sendable, CaseIterable {
    case auto, event, mixed, polling
}
