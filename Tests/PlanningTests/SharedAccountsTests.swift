import Planning
import Testing
import Vocabulary

@Suite struct SharedAccountsTests {
    private func volume(_ id: String, on device: UInt64, account: String? = nil) -> SharedAccounts.Volume {
        SharedAccounts.Volume(id: VolumeID(id), device: device, setting: account.map { AccountID($0) })
    }

    @Test func `volumes of one file system share the account of the smallest id`() {
        let shared = SharedAccounts([volume("b", on: 1), volume("a", on: 1), volume("c", on: 2)], known: [:])
        #expect(shared.accounts == ["a": "a", "b": "a", "c": "c"])
        #expect(shared.joined.isEmpty)
    }

    @Test func `a neighbour that does not answer now changes no account`() {
        let shared = SharedAccounts([volume("b", on: 1)], known: ["b": "a"])
        #expect(shared.accounts == ["b": "a"])
        #expect(shared.joined.isEmpty)
    }

    @Test func `hosts that see less never part what others joined, and what one sees together is joined for all`() {
        // Another host sees two devices where this one sees one.
        let apart = SharedAccounts([volume("a", on: 1), volume("b", on: 2)], known: ["a": "a", "b": "a"])
        #expect(apart.accounts == ["a": "a", "b": "a"])
        let together = SharedAccounts(
            [volume("a", on: 1), volume("b", on: 1), volume("c", on: 1)], known: ["a": "a", "b": "b", "c": "b"])
        #expect(together.accounts == ["a": "a", "b": "a", "c": "a"])
        #expect(together.joined == ["b": "a"])
    }

    @Test func `the operator's word stands above the file system`() {
        let shared = SharedAccounts(
            [volume("a", on: 1, account: "x"), volume("b", on: 1), volume("c", on: 1)], known: ["a": "a", "b": "b"])
        #expect(shared.accounts == ["a": "x", "b": "b", "c": "b"])
        #expect(shared.joined.isEmpty)
    }
}
