package import Delivery
internal import Ledger
package import Postgres
package import Vocabulary

/// Hears of new work for this mount, and of wishes to look at the source, from other processes. Hints, never the truth.
package struct WorkEar: Sendable {
    private let connection: ConnectionSettings
    private let mount: MountPath
    private let source: SourceLink
    private let transfers: Wake
    private let keeper: KeeperService
    private let hearing: Hearing
    private let readLimit: ReadLimitService

    /// - Parameter hearing: kept true for as long as notifications are heard.
    package init(
        connection: ConnectionSettings, mount: MountPath, source: SourceLink, transfers: Wake, keeper: KeeperService,
        hearing: Hearing, readLimit: ReadLimitService
    ) {
        self.readLimit = readLimit
        self.hearing = hearing
        self.connection = connection
        self.mount = mount
        self.source = source
        self.transfers = transfers
        self.keeper = keeper
    }

    package func run() async {
        let listener = Listener(connection, channels: [WorkChannel.name])
        await withTaskCancellationHandler {
            for await events in listener.events {
                for event in events { await hear(event) }
            }
        } onCancel: {
            listener.stop()
        }
    }

    private func hear(_ event: ListenerEvent) async {
        switch event {
        case .connected:
            hearing.change(to: true)
            await source.gate.forget()
            await readLimit.forget()
            transfers.wake()
        case .lost:
            hearing.change(to: false)
            transfers.wake()
        case .notified(_, let payload):
            if payload == mount.rawValue { transfers.wake() }
            if WorkChannel.look(in: payload) == source.name { await keeper.hintLook() }
            if WorkChannel.limit(in: payload) == source.name { await readLimit.forget() }
            if WorkChannel.pause(in: payload) == source.name {
                await source.gate.forget()
                transfers.wake()
                await keeper.hintLook()
            }
        }
    }
}
