/// What an event is for programs: its number, its weight, its sentence, and the facts that it may carry.
package struct EventDeclaration: Hashable, Sendable {
    /// 128 bits in hexadecimal; never changes its meaning and is never used again.
    package let messageID: String
    package let priority: Priority
    package let says: Sentence
    /// Every fact that the event may carry. Those that its sentence and its advice mention are always given.
    package let facts: [Fact.Name]
}

/// Of a copy that failed.
private let faultFacts: [Fact.Name] = [
    .volume, .volumeID, .recording, .media, .kind, .attempt, .reason, .resource, .count, .detail, .errno,
]

extension Event {
    package var declaration: EventDeclaration { Event.declarations[self] ?? declared }

    /// Made once: a busy agent tells of each copy.
    private static let declarations = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.declared) })

    private var declared: EventDeclaration {
        switch self {
        case .watermarkRaised:
            EventDeclaration(
                messageID: "0cb352e5e8f2498bb266354a272c4fa0", priority: .warning,
                says: "Volume {volume} has used {used_pct} of its {resource}, above its watermark of {watermark_pct}",
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .reserved,
                    .trigger, .clear, .floor, .resource, .incident, .since,
                ])
        case .watermarkCleared:
            EventDeclaration(
                messageID: "687e174f1be041caa84f710069795381", priority: .notice,
                says: """
                    Volume {volume} has used {used_pct} of its {resource}, below its watermark of {watermark_pct} again after \
                    {elapsed_usec}
                    """,
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .reserved,
                    .trigger, .clear, .floor, .resource, .incident, .since, .elapsed,
                ])
        case .floorReached:
            EventDeclaration(
                messageID: "0bfad400e5d7446c930d325c220affda", priority: .error,
                says: "Volume {volume} is full: {avail_bytes} left, of which {floor_bytes} are never taken",
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .reserved,
                    .trigger, .clear, .floor, .resource, .incident, .since,
                ])
        case .floorCleared:
            EventDeclaration(
                messageID: "92f6bc2690fa48398853da47a3f74179", priority: .notice,
                says: "Volume {volume} has room above its floor again: {avail_bytes}",
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .reserved,
                    .trigger, .clear, .floor, .resource, .incident, .since, .elapsed,
                ])
        case .placementSpilled:
            EventDeclaration(
                messageID: "f1d67a37d1574007bc2b0473086d2ca7", priority: .notice,
                says: "No volume of the preferred priority has room; volume {volume} is used",
                facts: [.volume, .volumeID, .volumePath, .state, .reason, .incident])
        case .overflow:
            EventDeclaration(
                messageID: "e7c1cc5e976b491bb4d94f415195a432", priority: .warning,
                says: "All volumes are above their watermarks; volume {volume} takes recordings down to its floor",
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .floor,
                    .resource, .incident, .since,
                ])
        case .allFull:
            EventDeclaration(
                messageID: "945bcdf727b64d8d9df549e186cc8c5a", priority: .critical,
                says:
                    "No volume can take recordings: {count} files wait at the recorders, {waiting_bytes}, for {oldest_usec}",
                facts: [.count, .waiting, .oldest, .since, .incident, .resource])
        case .allFullCleared:
            EventDeclaration(
                messageID: "c9a3b0e0917c4d579b52c8cd3792e2ed", priority: .notice,
                says: "Volume {volume} can take recordings again; {count} were waiting for {elapsed_usec}",
                facts: [.volume, .volumeID, .volumePath, .count, .waiting, .elapsed, .incident])
        case .filling:
            EventDeclaration(
                messageID: "3ba9e8f175f24767b200d2881ac72a35", priority: .warning,
                says: "Volume {volume} will be full in about {ttf_usec}: {avail_bytes} are left",
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .reserved,
                    .trigger, .clear, .floor, .resource, .timeToFull, .incident, .since,
                ])
        case .fillingCleared:
            EventDeclaration(
                messageID: "61d9c6f5573f4a0cb752f4ea33b15ccb", priority: .notice,
                says: "Volume {volume} will not be full soon any more: {avail_bytes} are left",
                facts: [
                    .volume, .volumeID, .volumePath, .used, .watermark, .available, .reserved,
                    .trigger, .clear, .floor, .resource, .incident, .elapsed,
                ])
        case .volumeUnavailable:
            EventDeclaration(
                messageID: "7b4bab5c7fe34a9a8e001746aa225488", priority: .error,
                says: "Volume {volume} at {volume_path} is not available: {reason}",
                facts: [
                    .volume, .volumeID, .volumePath, .state, .previousState, .reason, .incident,
                    .since, .elapsed, .detail, .errno,
                ])
        case .volumeReadonly:
            EventDeclaration(
                messageID: "1c0a587299864a9896de626073288c09", priority: .error,
                says: "Volume {volume} at {volume_path} is read-only",
                facts: [
                    .volume, .volumeID, .volumePath, .state, .previousState, .reason, .incident,
                    .since, .elapsed, .detail, .errno,
                ])
        case .volumeLimited:
            EventDeclaration(
                messageID: "5402e1129d3649d6a82597f052a3fca3", priority: .error,
                says: "Volume {volume} refuses to take more though it shows {avail_bytes} available: {reason}",
                facts: [
                    .volume, .volumeID, .volumePath, .state, .previousState, .reason, .incident,
                    .since, .elapsed, .detail, .errno, .available, .resource,
                ])
        case .volumeSuspect:
            EventDeclaration(
                messageID: "8bf2d427c3424add9b997b628b25984e", priority: .critical,
                says: "Volume {volume} does not keep what is written to it: {reason}",
                facts: [
                    .volume, .volumeID, .volumePath, .state, .previousState, .reason, .incident,
                    .since, .elapsed, .detail, .errno, .count,
                ])
        case .volumeDisordered:
            EventDeclaration(
                messageID: "89d9ff1890fe4efaadd1825918f51c0d", priority: .error,
                says: "The levels of volume {volume} are in no order: {detail}",
                facts: [.volume, .volumeID, .volumePath, .state, .detail])
        case .volumeAvailable:
            EventDeclaration(
                messageID: "7ba67de5a9de439a8c1fc0007f53b636", priority: .notice,
                says: "Volume {volume} at {volume_path} is available again after {elapsed_usec}",
                facts: [
                    .volume, .volumeID, .volumePath, .state, .previousState, .reason, .incident,
                    .since, .elapsed, .detail, .errno,
                ])
        case .copyCommitted:
            EventDeclaration(
                messageID: "d7db1574cad147a2ab2392829d75ec70", priority: .info,
                says: """
                    Copied {kind} media {media} of {recording} to volume {volume}: {size} verified in \
                    {elapsed_usec}
                    """,
                facts: [
                    .volume, .volumeID, .recording, .media, .kind, .attempt, .size, .sha256,
                    .xxh128, .level, .elapsed, .job,
                ])
        case .copyRetry:
            EventDeclaration(
                messageID: "f0e8a4f516db48ebbb548c78a8cebddb", priority: .warning,
                says: """
                    Copying media {media} of {recording} failed at attempt {attempt} and will be repeated, one of {count} of \
                    this mount: {detail}
                    """,
                facts: faultFacts + [.mount])
        case .copyElsewhere:
            EventDeclaration(
                messageID: "ee1e733a671744b7b7c7796f850450e3", priority: .notice,
                says: """
                    Media {media} of {recording} is on volume {volume} now, one of {count} copies that volume {prev_volume} \
                    failed: {detail}
                    """,
                facts: [.recording, .media, .kind, .volume, .previousVolume, .attempt, .count, .detail])
        case .reserveRefused:
            EventDeclaration(
                messageID: "ba55b9c4cc8e7302e4d76273d926c5cb", priority: .notice,
                says: "Volume {volume} did not reserve space for media {media} of {recording} that it showed: {detail}",
                facts: faultFacts)
        case .copyEnospc:
            EventDeclaration(
                messageID: "239500333f9c4bf6a2df864f7ad7ac8e", priority: .warning,
                says: "Volume {volume} ran out of space in the middle of media {media} of {recording}",
                facts: faultFacts + [.available, .reserved])
        case .copyQuota:
            EventDeclaration(
                messageID: "5a50f97ad54aefb7e950d85ec0b87031", priority: .warning,
                says: "A quota on volume {volume} refused media {media} of {recording}: {detail}",
                facts: faultFacts)
        case .copyInodes:
            EventDeclaration(
                messageID: "8b063073d463df2e87fd0728c405d1f1", priority: .warning,
                says: "Volume {volume} has no inode left for media {media} of {recording}",
                facts: faultFacts)
        case .copyReadonly:
            EventDeclaration(
                messageID: "0aedd87017319a0bce5017527f12910b", priority: .warning,
                says: "Volume {volume} was read-only when media {media} of {recording} came: {detail}",
                facts: faultFacts)
        case .copyVolumeGone:
            EventDeclaration(
                messageID: "8774102bb8cb38b5e703774eea79ab2a", priority: .warning,
                says: "Volume {volume} was not there for media {media} of {recording} ({reason}): {detail}",
                facts: faultFacts)
        case .copyWrongDisk:
            EventDeclaration(
                messageID: "edc7a2141d6877e32aa4d755b4840768", priority: .error,
                says:
                    "Another volume lies where volume {volume} is expected; media {media} of {recording} was not copied to it",
                facts: faultFacts)
        case .copyStale:
            EventDeclaration(
                messageID: "ef096ce649078df8d7bee9fb4696da56", priority: .warning,
                says:
                    "What is behind volume {volume} has forgotten it while media {media} of {recording} was copied: {detail}",
                facts: faultFacts)
        case .copyHung:
            EventDeclaration(
                messageID: "3d80a96629fe8f83e5baba45c1b4f18f", priority: .warning,
                says: "Copying media {media} of {recording} to volume {volume} stands still at {reason}: {detail}",
                facts: faultFacts)
        case .copyDenied:
            EventDeclaration(
                messageID: "fc5e6464ed461f8f380cfee96d54e347", priority: .error,
                says: "Volume {volume} does not let the service write media {media} of {recording}: {detail}",
                facts: faultFacts)
        case .copyUnsupported:
            EventDeclaration(
                messageID: "0401d1eef6ce31313f0090b3d7d1b63a", priority: .error,
                says: "Volume {volume} cannot hold media {media} of {recording} ({reason}): {detail}",
                facts: faultFacts)
        case .attributesUnsupported:
            EventDeclaration(
                messageID: "c5c76895df018ffc8cd0ab106fc2d32c", priority: .warning,
                says: "Volume {volume} does not keep the extended attributes of originals: {detail}",
                facts: [.volume, .volumeID, .detail, .errno])
        case .resourceLimit:
            EventDeclaration(
                messageID: "9ddffbbe246d82d0d61bc5ff95245d28", priority: .warning,
                says: """
                    This machine has run out of descriptors or memory while media {media} of {recording} was looked at or \
                    copied: {detail}
                    """,
                facts: faultFacts)
        case .verifyMismatch:
            EventDeclaration(
                messageID: "6149d755028b4a77a4bd9239ffdc9cfa", priority: .critical,
                says: """
                    Media {media} of {recording} reads back differently from volume {volume}; the copy was \
                    discarded
                    """,
                facts: faultFacts + [.xxh128, .sha256, .size])
        case .durabilityFailed:
            EventDeclaration(
                messageID: "95f2fdd455394e54bc698a631365a5a8", priority: .critical,
                says: "Volume {volume} could not make {count} files durable; they are copied anew",
                facts: faultFacts)
        case .digestMismatch:
            EventDeclaration(
                messageID: "fd63e1f8519441e395a145c88f71c28c", priority: .error,
                says: "Media {media} of {recording} does not match the {reason} of its row; it is not copied",
                facts: faultFacts + [.mount, .size])
        case .sourceChanged:
            EventDeclaration(
                messageID: "d5ae415d51794205a642b19d6213ad7e", priority: .warning,
                says: "Media {media} of {recording} changed while it was copied",
                facts: faultFacts + [.mount, .size])
        case .copyOutdated:
            EventDeclaration(
                messageID: "60ef2cc56fca4ae7ab5098ea38dbc5e4", priority: .notice,
                says: "A file of {recording} on mount {mount} changed after it was copied; it is copied anew",
                facts: [.source, .recording, .mount])
        case .sourceUnreadable:
            EventDeclaration(
                messageID: "e76409cd0d9746759adb452550b59f52", priority: .error,
                says: "Media {media} of {recording} cannot be read from mount {mount}: {detail}",
                facts: faultFacts + [.mount, .source])
        case .pathRefused:
            EventDeclaration(
                messageID: "219aee35804f43b0842ca7387492abb5", priority: .error,
                says: "The path of media {media} of {recording} leads out of mount {mount}; it is not followed",
                facts: faultFacts + [.source, .mount])
        case .fileTooLarge:
            EventDeclaration(
                messageID: "0269d9fb2c5c4a9ba84ab920778d521e", priority: .error,
                says: "Media {media} of {recording} can be taken by no volume: {reason}",
                facts: [.volume, .volumeID, .recording, .media, .kind, .attempt, .size, .reason, .errno])
        case .nameConflict:
            EventDeclaration(
                messageID: "600396b3ad4f424b9397ba8a8990d0e7", priority: .error,
                says: """
                    Media {media} of {recording} cannot be published on volume {volume}: another file has its \
                    name
                    """,
                facts: faultFacts)
        case .swept:
            EventDeclaration(
                messageID: "fb9be14d728f4436bda4debf28359f0d", priority: .notice,
                says: "Leftovers of broken-off work removed from volume {volume}: {count}",
                facts: [.volume, .volumeID, .volumePath, .count, .size, .elapsed])
        case .scrubMismatch:
            EventDeclaration(
                messageID: "defb14a9a8444f0a8716265a5a516d10", priority: .critical,
                says: "The {kind} copy of {recording} on volume {volume} is not what was copied: {detail}",
                facts: [.volume, .volumeID, .recording, .media, .kind, .size, .sha256, .detail])
        case .scrubMissing:
            EventDeclaration(
                messageID: "a9b7458c0d2c4989b9016fdad95ad9ea", priority: .critical,
                says: "The {kind} copy of {recording} is not on volume {volume}: {detail}",
                facts: [.volume, .volumeID, .recording, .media, .kind, .size, .sha256, .detail])
        case .scrubUnreadable:
            EventDeclaration(
                messageID: "78a0e907704a48b489461f84ee8f94ea", priority: .critical,
                says: "The {kind} copy of {recording} on volume {volume} cannot be read: {detail}",
                facts: [.volume, .volumeID, .recording, .media, .kind, .size, .sha256, .detail])
        case .scrubSummary:
            EventDeclaration(
                messageID: "4cebd2a000b141ecbf7b038c753cbcd3", priority: .info,
                says: "Read {count} copies again in {elapsed_usec}, {size} in all: {detail}",
                facts: [.count, .size, .elapsed, .detail])
        case .manifestSealed:
            EventDeclaration(
                messageID: "ba6fc85834c74e9793570ff34de8cf83", priority: .notice,
                says:
                    "Directory {directory} of volume {volume} has its manifest of {count} files, generation {generation}",
                facts: [.volume, .volumeID, .directory, .count, .generation, .sha256, .keyID])
        case .manifestTampered:
            EventDeclaration(
                messageID: "b0ba7181268f476c91990ba1e9d80266", priority: .alert,
                says:
                    "The manifest of directory {directory} on volume {volume} is not the one that was written: {detail}",
                facts: [.volume, .volumeID, .directory, .sha256, .detail])
        case .recordingCommitted:
            EventDeclaration(
                messageID: "43326c2f938f4ba8a6092aabe7f58da8", priority: .info,
                says: "Recording {recording} is on the replay: {count} media in {elapsed_usec}",
                facts: [.source, .recording, .count, .size, .elapsed, .state])
        case .recordingMarked:
            EventDeclaration(
                messageID: "60c946193c104184826ffff9a692e0c8", priority: .debug,
                says: "Recording {recording} is marked {mark} at its source",
                facts: [.source, .recording, .mark, .elapsed])
        case .lateChange:
            EventDeclaration(
                messageID: "e75e30a8a9814125a2dd9f54df010cad", priority: .info,
                says: "Recording {recording} has something new since its mark", facts: [.source, .recording])
        case .backlogHigh:
            EventDeclaration(
                messageID: "7473c9ae29554044add8eb181b8e5678", priority: .warning,
                says: "{count} files of {source} wait to be copied, {waiting_bytes}, the oldest for {oldest_usec}",
                facts: [.source, .count, .waiting, .oldest, .since, .incident])
        case .backlogCleared:
            EventDeclaration(
                messageID: "6490fa92dbe7424194be0123d2c48ee2", priority: .notice,
                says: "Files of {source} are copied in time again; some were not for {elapsed_usec}",
                facts: [.source, .elapsed, .incident])
        case .unmarkedOlder:
            EventDeclaration(
                messageID: "1fa9794642044b048ebae2e8c9941e86", priority: .warning,
                says: "{count} unmarked recordings of {source} are older than its interval and are not looked for",
                facts: [.source, .count])
        case .markRefused:
            EventDeclaration(
                messageID: "0d1050db3b124aac8319068949b81af4", priority: .warning,
                says: "Recording {recording} is not marked: {reason}",
                facts: [.source, .recording, .mark, .reason, .detail])
        case .markingStopped:
            EventDeclaration(
                messageID: "6d4a107af34244179f06b76bee008b76", priority: .critical,
                says: "Marking has stopped: {reason}",
                facts: [.database, .reason, .detail, .since])
        case .markingResumed:
            EventDeclaration(
                messageID: "32800864fb8842e58cc4fa69c3cfe7c3", priority: .notice,
                says: "Marking goes on at {source}: an audit has passed", facts: [.source])
        case .problemOpened:
            EventDeclaration(
                messageID: "c469116c154a42839c4bbc22403b65cb", priority: .warning,
                says: "Problem {problem} at {source}: {detail}",
                facts: [.source, .recording, .media, .kind, .mount, .volume, .problem, .detail, .since, .count])
        case .problemClosed:
            EventDeclaration(
                messageID: "39841adcd1d4489e81509537ad57fead", priority: .notice,
                says: "Problem {problem} at {source} is over after {elapsed_usec}. It was: {detail}",
                facts: [.source, .recording, .media, .kind, .mount, .volume, .problem, .detail, .elapsed])
        case .problemGivenUp:
            EventDeclaration(
                messageID: "8be0b833fa7c4493bbfd50a68c36cb35", priority: .notice,
                says:
                    "Problem {problem} at {source} is closed after {elapsed_usec}, and not mended: {reason}. It was: {detail}",
                facts: [.source, .recording, .media, .kind, .mount, .volume, .problem, .detail, .elapsed, .reason])
        case .mountAbsent:
            EventDeclaration(
                messageID: "cb946ea0e00a4d61aa3aaab93b3290f3", priority: .error,
                says: "Mount {mount} of {source} is away: {detail}",
                facts: [.source, .mount, .reason, .detail, .errno, .elapsed, .since, .incident])
        case .mountWrong:
            EventDeclaration(
                messageID: "62e370eafd4b464c824f14242eb9d799", priority: .error,
                says: "Mount {mount} of {source} is not the right one: {detail}",
                facts: [.source, .mount, .reason, .detail, .errno, .elapsed, .since, .incident])
        case .mountUnresponsive:
            EventDeclaration(
                messageID: "0790be1542964d1e85afe33e5342aac2", priority: .error,
                says: "Mount {mount} of {source} has not answered for {elapsed_usec}",
                facts: [.source, .mount, .reason, .detail, .errno, .elapsed, .since, .incident])
        case .mountBack:
            EventDeclaration(
                messageID: "b2e4d45a86c94618a40ed5e573059e9a", priority: .notice,
                says: "Mount {mount} of {source} is back after {elapsed_usec}",
                facts: [.source, .mount, .reason, .detail, .errno, .elapsed, .since, .incident])
        case .mountTaken:
            EventDeclaration(
                messageID: "bfdf6c22fdea47cb856d418b77355a8f", priority: .error,
                says: "Mount {mount} is served by {holder} already",
                facts: [.mount, .source, .holder, .detail])
        case .watchDegraded:
            EventDeclaration(
                messageID: "2dba6c558335413f95b5b3be56adf454", priority: .warning,
                says: "Mount {mount} is not watched by events as it should be: {reason}",
                facts: [.source, .mount, .directory, .reason, .detail, .count, .errno])
        case .watchRecovered:
            EventDeclaration(
                messageID: "10393c97928c40e2992b6ac753fdb748", priority: .notice,
                says: "Mount {mount} is watched by events again after {elapsed_usec}",
                facts: [.source, .mount, .directory, .reason, .elapsed, .count])
        case .watchMode:
            EventDeclaration(
                messageID: "c9f5af8e0b654324a1bbba52739073ff", priority: .notice,
                says: "Mount {mount} of {source} is watched in mode {state}: {reason}",
                facts: [.source, .mount, .state, .previousState, .reason])
        case .eventsLost:
            EventDeclaration(
                messageID: "56f5d822e5de41baab3dd04ee2f61227", priority: .warning,
                says: "Events of mount {mount} were lost, as too many came at once; it is scanned instead",
                facts: [.source, .mount])
        case .eventsComplete:
            EventDeclaration(
                messageID: "c34463627e8a4e658d3309be7fbeb359", priority: .notice,
                says: "What was lost of the events of mount {mount} is found: {count} scans in {elapsed_usec}",
                facts: [.source, .mount, .count, .elapsed])
        case .sourceUnreachable:
            EventDeclaration(
                messageID: "d2b6731d2ecb4f6d93e7aa9af0ff0c92", priority: .error,
                says: "The database of {source} cannot be reached: {detail}",
                facts: [.source, .database, .detail, .elapsed, .since, .incident])
        case .sourceRefused:
            EventDeclaration(
                messageID: "e99e69934f1a4ef787a6e88541c5f551", priority: .critical,
                says: "Nothing is collected from {source}: {reason}", facts: [.source, .reason])
        case .sourceBack:
            EventDeclaration(
                messageID: "e26cd5f665d84c23a2ac94a7957e1d76", priority: .notice,
                says: "The database of {source} answers again after {elapsed_usec}",
                facts: [.source, .database, .detail, .elapsed, .since, .incident])
        case .sourcePaused:
            EventDeclaration(
                messageID: "f6307d00c853e8f9450d9f638b24af49", priority: .notice,
                says: "Source {source} is paused since {since_usec}: {reason}",
                facts: [.source, .since, .reason])
        case .sourceResumed:
            EventDeclaration(
                messageID: "3cb92f1a49ed23e394864691c3285029", priority: .notice,
                says: "Source {source} goes on; it was paused since {since_usec}",
                facts: [.source, .since])
        case .readLimited:
            EventDeclaration(
                messageID: "e9a994351bc0354d20d70c849b907d54", priority: .notice,
                says: "Source {source} is read at no more than {size} a second",
                facts: [.source, .size])
        case .readUnlimited:
            EventDeclaration(
                messageID: "07ea244547b36fc8064d49ad3af2fe97", priority: .notice,
                says: "Source {source} is read as fast as it goes",
                facts: [.source])
        case .replayUnreachable:
            EventDeclaration(
                messageID: "4185246f8dc54137ba31141cb48ffee0", priority: .error,
                says: "The replay's database cannot be reached: {detail}",
                facts: [.source, .database, .detail, .elapsed, .since, .incident])
        case .replayBack:
            EventDeclaration(
                messageID: "f317d692f86a44e9912eb44e84fcae2e", priority: .notice,
                says: "The replay's database answers again after {elapsed_usec}",
                facts: [.source, .database, .detail, .elapsed, .since, .incident])
        case .definitionsBrought:
            EventDeclaration(
                messageID: "b1bd02957c014864a343a9aa7d21abb4", priority: .notice,
                says: "{count} definitions of phrases and speech tags were brought up to date at {source}",
                facts: [.source, .count])
        case .definitionsRefused:
            EventDeclaration(
                messageID: "e732441362124a3a80792f038ebea371", priority: .warning,
                says: "{source} does not take the replay's phrases and speech tags: {detail}",
                facts: [.source, .detail])
        case .keeperTaken:
            EventDeclaration(
                messageID: "938d74d25c7847cabba15a49c22e6135", priority: .info,
                says: "This agent is the keeper of {source} now",
                facts: [.source, .mount, .holder])
        case .keeperLost:
            EventDeclaration(
                messageID: "535af9ab01a64f1dafdcf3a34cf63d3d", priority: .notice,
                says: "This agent is no longer the keeper of {source}: {reason}",
                facts: [.source, .mount, .holder, .reason, .detail])
        case .leaseLost:
            EventDeclaration(
                messageID: "a0b87f9abc444f0fa8aee0d7751eebc1", priority: .warning,
                says: "Job {job} was given up by {service}: its lease was lost",
                facts: [.service, .job, .recording, .media, .holder, .reason, .detail])
        case .muxCommitted:
            EventDeclaration(
                messageID: "24047302363746df89fa4cc209e11482", priority: .info,
                says: "Muxed sound and screen of {recording} to volume {volume}: {size} in {elapsed_usec}; {reason}",
                facts: [
                    .recording, .media, .job, .attempt, .detail, .reason, .volume, .volumeID,
                    .size, .sha256, .elapsed,
                ])
        case .muxFailed:
            EventDeclaration(
                messageID: "f8a81b0002c54992bbe24d14fc6278a6", priority: .error,
                says: "Muxing {recording} failed at attempt {attempt}: {detail}",
                facts: [.recording, .media, .job, .attempt, .detail, .reason])
        case .resultRegistered:
            EventDeclaration(
                messageID: "cd83660659dd46ec643f8364d79d6250", priority: .info,
                says:
                    "The site has result {reason} of a call that began at {since_usec}: {size} in {elapsed_usec}; {detail}",
                facts: [.job, .reason, .since, .size, .elapsed, .detail])
        case .resultFailed:
            EventDeclaration(
                messageID: "0b5890fa8568af25c7bdd4ef2e843675", priority: .error,
                says: "The site has no result of a call that began at {since_usec}, attempt {attempt}: {detail}",
                facts: [.job, .since, .attempt, .detail, .reason])
        case .resultGivenUp:
            EventDeclaration(
                messageID: "7ad97639ad7114b72a8ac663d3ecbdb8", priority: .error,
                says: """
                    A call that began at {since_usec} gets no result: it is not tried again after {attempt} attempts, {elapsed_usec} \
                    after its end; {detail}
                    """,
                facts: [.job, .since, .attempt, .elapsed, .detail])
        case .resultDoubled:
            EventDeclaration(
                messageID: "09334af70bfe927e03e9d14c54dcdd1f", priority: .warning,
                says: "Of several results of one pair {reason} stays, {count} removed",
                facts: [.job, .reason, .since, .count])
        case .callGivenUp:
            EventDeclaration(
                messageID: "73e4692c98d140a78987832568675488", priority: .warning,
                says: "A call that began at {since_usec} has no result, and is not looked at any more: {reason}",
                facts: [.job, .since, .reason])
        case .bulkUnknown:
            EventDeclaration(
                messageID: "e774f012cd464244986dea2b16c7bdce", priority: .notice,
                says: "RWS knows no question for the screens of several calls: each call is asked about by itself",
                facts: [])
        case .resultLeft:
            EventDeclaration(
                messageID: "85d54c0d7437689485d90008239a5bbf", priority: .warning,
                says: "Of a call that began at {since_usec} something stays at the site that nobody needs: {detail}",
                facts: [.job, .since, .detail])
        case .batchEnded:
            EventDeclaration(
                messageID: "3704fc1ea7d9f76bd16f3dd774c79768", priority: .notice,
                says: "The batch is over after {elapsed_usec}: {detail}",
                facts: [.count, .elapsed, .detail])
        case .notMuxable:
            EventDeclaration(
                messageID: "06ca10ffd94c45bab4ad7850d8005c8b", priority: .info,
                says: "Mux job {job} cannot be muxed here: {reason}",
                facts: [.recording, .media, .job, .attempt, .detail, .reason, .kind])
        case .keyMissing:
            EventDeclaration(
                messageID: "07d9cbd54bbf4a5ca75142dbbdfa0440", priority: .error,
                says: "No key for media {media} of {recording}: {key_id}",
                facts: [.recording, .media, .kind, .job, .keyID, .detail])
        case .screenGivenUp:
            EventDeclaration(
                messageID: "cc450674af3a40c5a9feb3909743650a", priority: .warning,
                says: """
                    A screen that was announced did not come in {elapsed_usec}, of so many recordings of {source}: {count}, such \
                    as {recording}
                    """,
                facts: [.source, .recording, .count, .elapsed])
        case .agentReady:
            EventDeclaration(
                messageID: "0cba2b7acd7d459198990488c3aaa4bf", priority: .notice,
                says: "Takeup {version} serves mount {mount} of {source}",
                facts: [.service, .mount, .source, .version, .settings, .count, .elapsed])
        case .collectingOff:
            EventDeclaration(
                messageID: "95a3c68a08f046fba606f2eee53e0251", priority: .warning,
                says: "Collecting is switched off (synchro.enabled = false): nothing is taken from {source}",
                facts: [.mount, .source])
        case .agentStopping:
            EventDeclaration(
                messageID: "a4faf7c688754ee491dc8e4d4a5a41b3", priority: .notice,
                says: "The agent of {mount} is stopping: {reason}",
                facts: [.service, .mount, .source, .version, .settings, .count, .elapsed, .reason])
        case .workerReady:
            EventDeclaration(
                messageID: "b26cb67a23524d09b27882cfb239f90a", priority: .notice,
                says: "Takeup {version} muxes, {count} at once",
                facts: [.service, .mount, .source, .version, .settings, .count, .elapsed])
        case .clearOnDisk:
            EventDeclaration(
                messageID: "f4a4cbd73ebf4c9bbdf66f2116d9050c", priority: .warning,
                says: "Clear bytes of encrypted media pass through a directory that is not in memory: {detail}",
                facts: [.service, .version, .detail])
        case .toolsUnconfined:
            EventDeclaration(
                messageID: "049d6b798b2c4c6f92ecdc098d01ffe0", priority: .warning,
                says: "ffmpeg is less confined than it could be: {detail}",
                facts: [.service, .version, .detail])
        case .workerStopping:
            EventDeclaration(
                messageID: "e382fd08bb4a43bea21eec85a2834ce7", priority: .notice,
                says: "The mux worker is stopping: {reason}",
                facts: [.service, .mount, .source, .version, .settings, .count, .elapsed, .reason])
        case .turnFailed:
            EventDeclaration(
                messageID: "c3ef1479094346d08441cbbc89d1ec15", priority: .warning,
                says: "A turn of {service} failed and will be repeated: {detail}",
                facts: [.service, .source, .mount, .detail, .attempt, .errno])
        case .processFailed:
            EventDeclaration(
                messageID: "07c51a94e3944a3f8f2d02180de536fc", priority: .critical,
                says: "Takeup cannot go on: {detail}",
                facts: [.service, .mount, .source, .detail, .errno])
        case .progressStalled:
            EventDeclaration(
                messageID: "f45383da441c4276a81b02dfb397283d", priority: .critical,
                says: "{service} has made no progress for {elapsed_usec}",
                facts: [.service, .mount, .elapsed, .detail])
        case .settingsRefused:
            EventDeclaration(
                messageID: "c31d0c0ea6dc46ca8cf6675518ba4091", priority: .error,
                says: "The settings {settings} are refused: {detail}",
                facts: [.settings, .detail, .count])
        case .settingsDoubtful:
            EventDeclaration(
                messageID: "5482a3de0a4948ba9c2c8595b9e118fe", priority: .warning,
                says: "The settings {settings} should be looked at: {detail}",
                facts: [.settings, .detail, .count])
        }
    }
}
