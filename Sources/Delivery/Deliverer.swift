internal import Catalogs
internal import Copying
internal import Files
internal import Ledger
package import Planning
internal import Postgres
package import Settings
package import Telemetry
internal import Vocabulary

/// Delivers files: place, reserve, intend, copy, verify, publish, commit. Agents and mux workers both deliver through it.
///
/// Whatever fails, an original is untouched, nothing unverified has a final name, and what was left behind is named by
/// an intent, which the sweep goes by.
package struct Deliverer: Sendable {
    private let replay: Replay
    private let roster: VolumeRoster
    private let placer: Placer
    private let narrator: any Narrator
    private let lease: Duration
    private let settings: ReplaySettings
    private let pace: PacedTelling<CopyFault.Place>
    /// To be asked by all that begin work which ends here.
    package let resources: ResourceGate

    /// - Parameter lease: how long work is ours after its last sign of life; renewed at a third of it.
    package init(
        replay: Replay, settings: ReplaySettings, rules: LevelRules = LevelRules(), roster: VolumeRoster,
        resources: ResourceGate, narrator: any Narrator, lease: Duration,
        clock: @escaping @Sendable () -> Duration = VolumeRoster.monotonic()
    ) {
        self.replay = replay
        self.roster = roster
        placer = Placer(replay: settings, rules: rules, lease: lease)
        self.narrator = narrator
        self.lease = lease
        self.settings = settings
        self.resources = resources
        pace = PacedTelling(period: CopyFault.period, clock: clock)
    }

    /// Whether a volume that answered a moment ago does not now.
    package func isVolumeSilent() async -> Bool { await roster.isAnySilent() }

    /// An outcome for each consignment, in their order. One that fails fails no other.
    package func deliver(_ consignments: [Consignment]) async -> [DeliveryOutcome] {
        var tries = zip(consignments, await attempt(consignments)).map {
            Try(consignment: $0, outcome: $1.0, volume: $1.1)
        }
        for round in 0...settings.allVolumes.count {
            let again = tries.indices.compactMap { place in next(after: tries[place], round).map { (place, $0) } }
            if again.isEmpty { break }
            var moves = MovedCopies()
            for ((place, consignment), reached) in zip(again, await attempt(again.map(\.1))) {
                let before = tries[place]
                // Where no other volume can ever hold it, the reason is the one that this one gave.
                if case .noRoom(let refusals) = reached.0, before.outcome.code == .unsupportedName,
                    refusals.values.allSatisfy(\.isForGood)
                {
                    tries[place].volume = nil
                } else if case .noRoom = reached.0, before.outcome.blamesDisk {
                    // There is no other for it now: what failed it is what is to be told.
                    tries[place] = Try(consignment: consignment, outcome: before.outcome, volume: nil)
                } else {
                    tries[place] = Try(consignment: consignment, outcome: reached.0, volume: reached.1)
                    if case .committed = reached.0, case .failed(let error) = before.outcome, before.outcome.blamesDisk
                    {
                        moves.add(consignment, from: before.volume, to: reached.1, after: error)
                    }
                }
            }
            moves.tell(narrator)
        }
        return tries.map(\.outcome)
    }

    /// A consignment, what became of it, and the volume that it was for.
    private struct Try: Sendable {
        let consignment: Consignment
        let outcome: DeliveryOutcome
        var volume: VolumeName?
    }

    /// What is tried at once. A name that holds other bytes is never overwritten, and nobody frees it: the copy gets one
    /// beside it. What a volume refused, or its disk failed, goes to another one, and what its server has forgotten is
    /// opened anew, once.
    private func next(after failed: Try, _ round: Int) -> Consignment? {
        if let volume = failed.volume, failed.outcome.code == .unsupportedName {
            return failed.consignment.elsewhere(than: volume)
        }
        let hasOthers = settings.volumes(taking: failed.consignment.kind).count > 1
        // Once: where two disks fail one file, it is read no third time at once.
        if let volume = failed.volume, hasOthers, failed.outcome.blamesDisk, failed.consignment.avoided.isEmpty {
            return failed.consignment.avoiding(volume)
        }
        guard round == 0 else { return nil }
        if failed.outcome.isNameConflict { return failed.consignment.aside() }
        let goesOn = failed.outcome.isVolumeRefusal && (hasOthers || failed.outcome.code == .volumeStale)
        return goesOn ? failed.consignment : nil
    }

    /// What became of each, and the volume that it was for.
    private func attempt(_ consignments: [Consignment]) async -> [(DeliveryOutcome, VolumeName?)] {
        if consignments.isEmpty { return [] }
        let began = ContinuousClock.now
        let placed: [Placer.Outcome]
        let blind: [VolumeName: FileError]
        do {
            let samples = try await roster.sample()
            blind = Dictionary(
                samples.compactMap { sample in sample.exhausted.map { (sample.settings.name, $0) } },
                uniquingKeysWith: { first, _ in first })
            if let exhausted = blind.values.first {
                await resources.close(exhausted)
                tell(DeliveryOutcome.unseen(exhausted), before: consignments[0], count: consignments.count)
            }
            let placer = placer
            placed = try await replay.database.transaction(isDurable: false) { session in
                try placer.place(consignments, among: samples, in: session)
            }
        } catch {
            return consignments.map { _ in (.uncommitted(error), nil) }
        }
        var outcomes = [(DeliveryOutcome, VolumeName?)](repeating: (.fenced, nil), count: consignments.count)
        var orders: [VolumeID: [Order]] = [:]
        var notes: [PlacementNote] = []
        for (place, outcome) in placed.enumerated() {
            let kind = consignments[place].kind
            // Where it goes that a disk failed says nothing of the room on others.
            let isFirst = consignments[place].avoided.isEmpty
            switch outcome {
            case .notHeld: break
            case .noRoom(let refusals):
                // One that nobody could look at may have room.
                if let exhausted = refusals.keys.compactMap({ blind[$0] }).first {
                    outcomes[place].0 = .failed(DeliveryOutcome.unseen(exhausted))
                    continue
                }
                outcomes[place].0 = .noRoom(refusals)
                if isFirst {
                    notes.append(PlacementNote(kind: kind, volume: nil, isOverflow: false, refusals: refusals))
                }
            case .placed(let intent, let sample, let isOverflow):
                if isFirst {
                    notes.append(PlacementNote(kind: kind, volume: sample, isOverflow: isOverflow, refusals: [:]))
                }
                let order = Order(
                    place: place, consignment: consignments[place], intent: intent, sample: sample, began: began)
                orders[intent.volume, default: []].append(order)
                outcomes[place].1 = sample.settings.name
            }
        }
        await roster.note(notes)
        let tokens = orders.values.flatMap { $0 }.map(\.intent.token)
        let settled = await whileRenewing(tokens) { [orders] in await carryOut(orders) }
        for (place, outcome) in settled { outcomes[place].0 = outcome }
        return outcomes
    }

    private struct Order: Sendable {
        let place: Int
        let consignment: Consignment
        let intent: Intent
        let sample: VolumeSample
        let began: ContinuousClock.Instant
    }

    /// The orders of each volume as one group, each with a commit of its own: a slow volume holds up no other.
    private func carryOut(_ orders: [VolumeID: [Order]]) async -> [(Int, DeliveryOutcome)] {
        await withTaskGroup(of: [(Int, DeliveryOutcome)].self) { group in
            for (volume, orders) in orders {
                group.addTask {
                    let copied = await copy(orders, to: volume)
                    let settled = await finish(copied)
                    await tellFaults(of: copied)
                    if let exhausted = copied.compactMap({ $1.exhausted }).first { await resources.close(exhausted) }
                    if let name = orders.first?.sample.settings.name {
                        let results = copied.map { (size: $0.consignment.size, result: $1) }
                        await roster.note(WriteVerdict(results), on: volume, named: name)
                    }
                    return settled
                }
            }
            var outcomes: [(Int, DeliveryOutcome)] = []
            for await settled in group { outcomes += settled }
            return outcomes
        }
    }

    private func copy(_ orders: [Order], to volume: VolumeID) async -> [(Order, Result<Copied, CopyError>)] {
        guard let name = orders.first?.sample.settings.name,
            let copier = await roster.copier(of: volume, named: name)
        else {
            return orders.map { ($0, .failure(CopyError(.volumeAbsent, at: .prepare))) }
        }
        let copyOrders = orders.map { order in
            CopyOrder(
                token: order.intent.token, source: order.consignment.source,
                path: order.intent.finalPath ?? order.consignment.path, expectedSize: order.consignment.size,
                expectedObservation: order.consignment.observation, crc32: order.consignment.crc32)
        }
        let replay = replay
        let lease = lease
        let isAllocated = orders[0].sample.proof?.facts.kind.showsUseAtOnce ?? false
        let results = await copier.run(
            copyOrders,
            beforePublish: { ready in
                let known = Dictionary(
                    ready.map { ($0.token, Intent.Ready(size: $0.size, digest: $0.digest)) },
                    uniquingKeysWith: { first, _ in first })
                return try await replay.database.transaction { session in
                    try Intents.ready(known, isAllocated: isAllocated, lease: lease, in: session)
                }
            },
            reserved: { token in
                guard isAllocated else { return }
                // Where that can't be written down, it counts twice until the copy is made.
                Task { try? await replay.database.perform { session in try Intents.allocated([token], in: session) } }
            })
        if let refusal = copier.attributes.takeUntold() {
            narrator.tell(
                .attributesUnsupported,
                facts: [.volume(name), .volumeID(volume), .detail(refusal)]
                    + (refusal.number.map { [.errno($0)] } ?? []))
        }
        return Array(zip(orders, results))
    }

    private func finish(_ copied: [(Order, Result<Copied, CopyError>)]) async -> [(Int, DeliveryOutcome)] {
        var outcomes: [(Int, DeliveryOutcome)] = []
        var arrivals: [(place: Int, arrival: Arrival)] = []
        var clean: [FencingToken] = []
        var late: [Intent] = []
        var withheld: [FencingToken] = []
        for (order, result) in copied {
            switch result {
            case .success(let copied):
                let arrival = Arrival(
                    consignment: order.consignment, intent: order.intent, copied: copied,
                    volumeName: order.sample.settings.name,
                    root: order.sample.settings.path, began: order.began)
                arrivals.append((order.place, arrival))
            case .failure(let error):
                outcomes.append((order.place, error.code == .leaseLost ? .fenced : .failed(error)))
                if error.mayBePublished { late.append(order.intent) }
                if !error.mayHaveLeftFiles { clean.append(order.intent.token) }
                if error.isWithheld { withheld.append(order.intent.token) }
            }
        }
        await drop(clean)
        await withhold(withheld)
        await condemn(late)
        return outcomes + (await commit(arrivals))
    }

    /// All in one transaction; where the database refuses one, each by itself, so that it takes no other with it.
    private func commit(_ arrivals: [(place: Int, arrival: Arrival)]) async -> [(Int, DeliveryOutcome)] {
        if arrivals.isEmpty { return [] }
        do {
            let outcome = try await Commit(replay: replay).run(arrivals.map(\.arrival))
            await putAside(outcome.retired)
            let late = zip(arrivals, outcome.replicas).filter { $1 == nil && !$0.arrival.copied.alreadyThere }
            await condemn(late.map(\.0.arrival.published))
            return zip(arrivals, outcome.replicas).enumerated().map { place, pair in
                let (item, replica) = pair
                guard let replica else { return (item.place, outcome.stale.contains(place) ? .stale : .fenced) }
                tell(item.arrival, replica)
                return (item.place, .committed(replica))
            }
        } catch {
            let isOutage = (error as? PostgresError)?.isOutage ?? false
            if (error as? CatalogError)?.code == .gone, arrivals.count == 1, await replan(arrivals[0].arrival) {
                return [(arrivals[0].place, .stale)]
            }
            guard !isOutage, arrivals.count > 1 else {
                return arrivals.map { ($0.place, .uncommitted(error)) }
            }
            var outcomes: [(Int, DeliveryOutcome)] = []
            for arrival in arrivals { outcomes += await commit([arrival]) }
            return outcomes
        }
    }

    /// The row that a copy was to take over was removed at the replay at the last moment: its recording is looked at
    /// again. A result has no recording of a source, and is tried again as it is.
    private func replan(_ arrival: Arrival) async -> Bool {
        guard case .original(let recording, _, _) = arrival.consignment.commit else { return false }
        do {
            try await replay.database.transaction { session in
                try Sightings.reopen([recording.reference], in: session)
            }
            return true
        } catch {
            return false
        }
    }

    /// Moves copies that were replaced out of the way. What can't be moved now is left to the sweep.
    private func putAside(_ retired: [Replica]) async {
        try? await Retiring(replay: replay, roster: roster, narrator: narrator).putAside(retired)
    }

    /// Published and not committed; perhaps the sweep has passed already. Where the ledger can't be told, the sweep goes
    /// by the intent as far as it still stands.
    private func condemn(_ late: [Intent]) async {
        if late.isEmpty { return }
        try? await replay.database.transaction { session in try Intents.condemnLate(late, in: session) }
    }

    /// Attempts that left nothing behind need no sweep. Where the ledger can't be told, the sweep finds nothing.
    private func drop(_ tokens: [FencingToken]) async {
        if tokens.isEmpty { return }
        let holder = replay.holder
        try? await replay.database.perform { session in
            try Intents.drop(tokens, holder: holder, in: session)
        }
    }

    /// Called ready before they failed. Where the ledger can't be told, what comes next gets a name beside theirs.
    private func withhold(_ tokens: [FencingToken]) async {
        if tokens.isEmpty { return }
        let holder = replay.holder
        try? await replay.database.perform { session in
            try Intents.withhold(tokens, holder: holder, in: session)
        }
    }

    private func tell(_ arrival: Arrival, _ replica: Replica) {
        let consignment = arrival.consignment
        let copied = arrival.copied
        narrator.tell(
            .copyCommitted,
            facts: [
                .kind(consignment.kind), .media(consignment.media), .recording(consignment.recording),
                .volume(arrival.volumeName), .volumeID(arrival.intent.volume), .size(bytes: copied.size),
                .attempt(consignment.attempt), .sha256(copied.digest), .xxh128(copied.checksum),
                .level(copied.level.rawValue), .elapsed(ContinuousClock.now - arrival.began),
            ])
    }

    /// Tells what the volume did, where it is to blame; what became of the transfers is told by whoever asked for them.
    private func tellFaults(of copied: [(Order, Result<Copied, CopyError>)]) async {
        var met: [CopyFault: [(Order, CopyError)]] = [:]
        for (order, result) in copied {
            guard case .failure(let error) = result, let fault = CopyFault(error), fault.side == .volume else {
                continue
            }
            switch fault.telling {
            case .each: tell(fault, of: order, error, count: 1)
            case .together, .paced: met[fault, default: []].append((order, error))
            }
        }
        for (fault, failures) in met.sorted(by: { $0.key.event.rawValue < $1.key.event.rawValue }) {
            guard let (order, error) = failures.first else { continue }
            let place = CopyFault.Place(volume: order.intent.volume, fault: fault)
            let count =
                fault.telling == .paced ? pace.count(place, times: failures.count) : failures.count
            if let count { tell(fault, of: order, error, count: count) }
        }
    }

    /// Tells of what kept files from being placed, once a minute.
    private func tell(_ error: CopyError, before consignment: Consignment, count: Int) {
        guard let fault = CopyFault(error),
            let count = pace.count(CopyFault.Place(volume: nil, fault: fault), times: count)
        else { return }
        tell(fault, of: consignment, error, count, at: [])
    }

    private func tell(_ fault: CopyFault, of order: Order, _ error: CopyError, count: Int) {
        tell(
            fault, of: order.consignment, error, count,
            at: [.volume(order.sample.settings.name), .volumeID(order.intent.volume)])
    }

    private func tell(
        _ fault: CopyFault, of consignment: Consignment, _ error: CopyError, _ count: Int, at volume: [Fact]
    ) {
        narrator.tell(
            fault.event,
            facts: [
                .kind(consignment.kind), .media(consignment.media), .recording(consignment.recording),
                .attempt(consignment.attempt), .count(count),
            ] + volume + fault.facts(of: error))
    }

    /// Keeps the leases alive while `body` runs. A lease that could not be renewed shows when names are about to
    /// appear, and again at the commit.
    private func whileRenewing<Outcome: Sendable>(
        _ tokens: [FencingToken], _ body: @escaping @Sendable () async -> Outcome
    ) async -> Outcome {
        let replay = replay
        let lease = lease
        let renewal = Task {
            while true {
                try await Task.sleep(for: lease / 3)
                _ = try? await replay.database.transaction(isDurable: false) { session in
                    try Intents.renew(tokens, lease: lease, in: session)
                }
            }
        }
        defer { renewal.cancel() }
        return await body()
    }
}

extension DeliveryOutcome {
    /// What becomes of a file while nobody can look at a volume that may take it.
    fileprivate static func unseen(_ error: FileError) -> CopyError {
        CopyError(.exhausted, at: .prepare, detail: "a volume could not be looked at", cause: error)
    }
}

extension Result where Failure == CopyError {
    /// That descriptors or memory had run out.
    fileprivate var exhausted: CopyError? {
        guard case .failure(let error) = self, error.code == .exhausted else { return nil }
        return error
    }
}
