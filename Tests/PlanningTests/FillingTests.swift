internal import Planning
internal import Testing

@Suite struct FillingTests {
    private let size: Int64 = 10_000_000_000_000
    private var trigger: Int64 { size * 15 / 100 }
    private var floor: Int64 { size * 2 / 100 }

    /// A volume whose use changes by the minute, as alerts see it: looked at every five minutes, raised when it has looked
    /// so for an hour.
    private struct Watch {
        var raises: [Int64] = []
        var clears: [Int64] = []
        var shortest: Duration?
    }

    private func watch(days: Int, from start: Double, _ change: (_ minute: Int64, _ free: Double) -> Double) -> Watch {
        var free = start
        var points: [FillingPoint] = []
        var watch = Watch()
        var since: Int64?
        var isRaised = false
        for minute in 0..<Int64(days * 1440) {
            free = max(0, free + change(minute, free))
            // Lines through every fifth point are the same lines, and the decision is only asked for where there is one.
            guard minute.isMultiple(of: 5) else { continue }
            points.append(FillingPoint(minute: minute, available: Int64(free * Double(size))))
            if points.count > 300 { points.removeFirst() }
            guard let forecast = FillingForecast(points, trigger: trigger, floor: floor) else { continue }
            if forecast.isFilling(free: free) {
                since = since ?? minute
                if let begun = since, minute - begun >= 60, !isRaised {
                    isRaised = true
                    watch.raises.append(minute)
                    watch.shortest = forecast.toFloor
                }
            } else {
                since = nil
                if isRaised && forecast.isOver {
                    isRaised = false
                    watch.clears.append(minute)
                }
            }
        }
        return watch
    }

    /// Calls come from eight to eighteen; retention makes room from two to four at night.
    private func diurnal(_ written: Double, freed: Double) -> (Int64, Double) -> Double {
        { minute, _ in
            switch minute % 1440 {
            case 480..<1080: -written / 600
            case 120..<240: freed / 120
            default: 0
            }
        }
    }

    @Test(arguments: [(0.05, 0.20), (0.10, 0.20), (0.10, 0.30), (0.20, 0.35), (0.20, 0.25)])
    func `what is written by day and freed by night raises nothing`(written: Double, free: Double) {
        let watch = watch(days: 28, from: free + written, diurnal(written, freed: written))
        #expect(watch.raises.isEmpty)
    }

    @Test func `use that grows by the week raises only when the end is near`() throws {
        let watch = watch(days: 40, from: 0.5, diurnal(0.06, freed: 0.05))
        // 0.48 lie above the floor, of which a day takes 0.01.
        #expect((watch.raises.first ?? .max) > 40 * 1440)
    }

    @Test func `a steady fill is raised once, a day ahead, and cleared once when it stops`() throws {
        let watch = watch(days: 6, from: 0.9) { minute, _ in minute < 3 * 1440 ? -0.8 / (3 * 1440) : 0.00001 }
        #expect(watch.raises.count == 1)
        #expect(watch.clears.count == 1)
        let raised = try #require(watch.raises.first)
        #expect(raised < 3 * 1440, "it was full before that was told")
        let ahead = try #require(watch.shortest)
        #expect(ahead > .seconds(20 * 3600))
    }

    @Test func `half an hour of much writing raises nothing`() {
        let watch = watch(days: 3, from: 0.35) { minute, _ in (2000..<2030).contains(minute) ? -0.05 / 30 : 0 }
        #expect(watch.raises.isEmpty)
    }

    @Test func `nothing is said of a few hours, nor of few points`() {
        let fewHours = (0..<700).map { FillingPoint(minute: $0, available: 1_000_000_000_000 - $0 * 1_000_000_000) }
        #expect(FillingForecast(fewHours, trigger: trigger, floor: floor) == nil)
        let rare = stride(from: Int64(0), to: 1440, by: 60).map { FillingPoint(minute: $0, available: size / 5) }
        #expect(FillingForecast(rare, trigger: trigger, floor: floor) == nil)
    }
}
