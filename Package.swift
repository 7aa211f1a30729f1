// swift-tools-version: 6.2
import PackageDescription

/// The architecture, once: floor by floor from the ground up, each module with the modules it uses.
/// A module may use only modules on lower floors, never one beside it; the manifest refuses any other arrow.
let floors: [[(name: String, uses: [String])]] = [
    [
        ("CLinux", []), ("CLibpq", []), ("CLibcrypto", []), ("CLibcurl", []), ("CXXHash", []), ("CSystemd", []),
    ],
    [
        ("Vocabulary", [])
    ],
    [
        ("Planning", ["Vocabulary"]),
        ("Files", ["Vocabulary", "CLinux", "CLibcrypto", "CXXHash"]),
        ("Postgres", ["Vocabulary", "CLibpq", "CLinux"]),
        ("HTTP", ["Vocabulary", "CLibcurl", "CLinux"]),
        ("Settings", ["Vocabulary"]),
        ("Telemetry", ["Vocabulary", "CSystemd", "CLinux"]),
    ],
    [
        ("Watching", ["Files", "Planning", "Vocabulary", "CLinux"]),
        ("Copying", ["Files", "Planning", "Vocabulary", "CLinux", "CLibcrypto", "CXXHash"]),
        ("Catalogs", ["Postgres", "Planning", "Vocabulary", "CLibcrypto"]),
        ("Ledger", ["Postgres", "Planning", "Vocabulary"]),
        ("Media", ["Files", "Planning", "Vocabulary", "CLibcrypto", "CLinux", "CXXHash"]),
        ("Interaction", ["HTTP", "Planning", "Vocabulary", "CLibcrypto"]),
    ],
    [
        (
            "Delivery",
            ["Copying", "Catalogs", "Ledger", "Files", "Planning", "Postgres", "Settings", "Telemetry", "Vocabulary"]
        )
    ],
    [
        (
            "Agent",
            [
                "Delivery", "Watching", "Copying", "Catalogs", "Ledger", "Media", "Files", "Planning", "Postgres",
                "Settings", "Telemetry", "Vocabulary",
            ]
        ),
        (
            "Muxer",
            [
                "Delivery", "Copying", "Catalogs", "Ledger", "Media", "Interaction", "HTTP", "Files", "Planning",
                "Postgres", "Settings", "Telemetry", "Vocabulary",
            ]
        ),
        (
            "Operating",
            [
                "Delivery", "Catalogs", "Ledger", "Files", "Planning", "Postgres", "Settings", "Telemetry",
                "Vocabulary",
            ]
        ),
        (
            "Evidence",
            [
                "Delivery", "Copying", "Catalogs", "Ledger", "Watching", "Media", "Files", "Planning", "Postgres",
                "Settings", "Telemetry", "Vocabulary", "CLibcrypto", "CLinux",
            ]
        ),
        (
            "Reporting",
            [
                "Delivery", "Copying", "Catalogs", "Ledger", "Watching", "Media", "Files", "Planning", "Postgres",
                "Settings", "Telemetry", "Vocabulary",
            ]
        ),
    ],
]

/// System libraries, with what Debian calls them.
let systemLibraries: [String: (pkgConfig: String, package: String)] = [
    "CLibpq": ("libpq", "libpq-dev"),
    "CLibcrypto": ("libcrypto", "libssl-dev"),
    "CLibcurl": ("libcurl", "libcurl4-openssl-dev"),
    "CXXHash": ("libxxhash", "libxxhash-dev"),
    "CSystemd": ("libsystemd", "libsystemd-dev"),
]

/// Packages of others, by the module that uses them.
let products: [String: [Target.Dependency]] = [
    "Settings": [.product(name: "TOMLKit", package: "TOMLKit")]
]

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let height = Dictionary(
    uniqueKeysWithValues: floors.enumerated().flatMap { floor, row in row.map { ($0.name, floor) } })

func module(_ name: String, uses: [String]) -> Target {
    for used in uses {
        guard let usedFloor = height[used], let ownFloor = height[name], usedFloor < ownFloor else {
            preconditionFailure("\(name) may not use \(used): it is not on a lower floor")
        }
    }
    if let library = systemLibraries[name] {
        return .systemLibrary(name: name, pkgConfig: library.pkgConfig, providers: [.apt([library.package])])
    }
    if name == "CLinux" { return .target(name: name) }
    return .target(
        name: name, dependencies: uses.map { .target(name: $0) } + (products[name] ?? []), swiftSettings: strict)
}

let modules = floors.flatMap { $0.map { module($0.name, uses: $0.uses) } }
let everything = floors.flatMap { $0.map(\.name) }.map { Target.Dependency.target(name: $0) }

/// Every test target may use every module; `Support` is the test kit, and does not ship.
func tests(_ name: String) -> Target {
    .testTarget(
        name: name, dependencies: everything + [.target(name: "Support")], path: "Tests/\(name)",
        swiftSettings: strict)
}

let package = Package(
    name: "takeup",
    products: [.executable(name: "takeup", targets: ["takeup"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
    ],
    targets: modules + [
        .executableTarget(
            name: "takeup",
            dependencies: [
                .target(name: "Agent"), .target(name: "Muxer"), .target(name: "Reporting"), .target(name: "Evidence"),
                .target(name: "Operating"),
                .target(name: "Delivery"),
                .target(name: "Ledger"), .target(name: "Catalogs"), .target(name: "Copying"), .target(name: "Files"),
                .target(name: "Postgres"), .target(name: "Settings"), .target(name: "Telemetry"),
                .target(name: "Vocabulary"), .target(name: "CLinux"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(
            name: "Support", dependencies: everything, path: "Tests/Support",
            swiftSettings: strict),
        .executableTarget(
            name: "recorder",
            dependencies: everything + [
                .target(name: "Support"), .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "examples/recorder", swiftSettings: strict),
        .executableTarget(
            name: "bench",
            dependencies: everything + [
                .target(name: "Support"), .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "examples/bench", swiftSettings: strict),
        tests("VocabularyTests"), tests("PlanningTests"), tests("FilesTests"), tests("PostgresTests"),
        tests("SettingsTests"), tests("TelemetryTests"), tests("WatchingTests"), tests("CopyingTests"),
        tests("CatalogsTests"), tests("LedgerTests"), tests("MediaTests"), tests("DeliveryTests"),
        tests("AgentTests"), tests("MuxerTests"), tests("ReportingTests"), tests("OperatingTests"),
        tests("EvidenceTests"), tests("HTTPTests"), tests("InteractionTests"),
        tests("SystemTests"),
    ]
)
