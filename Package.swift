// swift-tools-version: 6.1
import PackageDescription

/// System libraries: header + link name, no logic. Reasons for each stand in docs/architecture.md.
let systemLibraries: [Target] = [
    .systemLibrary(
        name: "CFFmpeg", pkgConfig: "libavformat libavcodec libswscale libavutil",
        providers: [.apt(["libavformat-dev", "libavcodec-dev", "libswscale-dev", "libavutil-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
        name: "CCompression",
        providers: [
            .apt(["zlib1g-dev", "libzstd-dev", "libsnappy-dev", "liblz4-dev", "libbrotli-dev"])
        ]),
]

/// Tests that compute little themselves. Optimising them would take a third of the time of a build and save no time when
/// they run; what they test is optimised all the same.
let unoptimized: [SwiftSetting] = [.unsafeFlags(["-Onone"])]

/// Pure arithmetic, which every run ends with and tests of unoptimised builds would wait for.
let optimized: [SwiftSetting] = [.unsafeFlags(["-O"])]

let package = Package(
    name: "lam",
    products: [
        .executable(name: "lam", targets: ["CLI"]),
        .library(name: "LAM", targets: ["LAM"]),
        .library(name: "LAMData", targets: ["LAMData", "Conversion"]),
        .library(name: "LAMTrain", targets: ["LAMTrain", "Checkpoints", "Configuration", "Inference"]),
        .library(name: "WanVAE", targets: ["WanVAE"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: systemLibraries + [
        .target(name: "CBLAS", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CSentencePiece", linkerSettings: [.linkedLibrary("sentencepiece")]),
        .target(name: "CMPI", dependencies: ["COpenMPI"]),
        .target(name: "Kernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]),
        .target(name: "PixelKernels", cSettings: [.unsafeFlags(["-O3"])]),
        .target(name: "Randomness"),
        .target(name: "Numbers"),
        .target(name: "Collectives", dependencies: ["CMPI", "Numbers"]),
        .target(name: "Tensor", dependencies: ["Kernels"]),
        .target(name: "CPJRT"),
        .target(name: "PJRT", dependencies: ["CPJRT"]),
        .target(name: "StableHLO"),
        .target(name: "Accelerator", dependencies: ["PJRT", "StableHLO", "Tensor", "Formats"]),
        .target(name: "Devices", dependencies: ["Tensor", "Accelerator", "PJRT"]),
        .target(name: "NN", dependencies: ["Tensor", "Randomness"]),
        .target(
            name: "Formats",
            dependencies: [
                "Numbers", "CCompression", "CPNG",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(name: "Parquet", dependencies: ["Formats", "CCompression"]),
        .target(name: "Frozen", dependencies: ["Tensor", "Formats"]),
        .target(name: "Text", dependencies: ["Frozen", "Tensor", "Formats", "Randomness", "CSentencePiece"]),
        .target(
            name: "LAM",
            dependencies: [
                "NN", "Frozen", "Tensor", "Formats", "Randomness",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(name: "DataCore"),
        .target(name: "Video", dependencies: ["DataCore", "Formats", "CFFmpeg", "PixelKernels"]),
        .target(
            name: "Datasets", dependencies: ["DataCore", "Video", "Formats", "Parquet", "PixelKernels"]),
        .target(name: "Hub", dependencies: ["Datasets", "DataCore", "Formats", "Randomness", "CCurl"]),
        .target(
            name: "HDF5",
            dependencies: ["Datasets", "Video", "DataCore", "Formats", "Parquet", "CHDF5"]),
        .target(name: "PlainVideo", dependencies: ["Datasets", "Video", "DataCore", "Formats"]),
        .target(
            name: "LAMData",
            dependencies: [
                "DataCore", "Video", "Datasets", "Hub", "HDF5", "PlainVideo", "Formats", "Numbers", "Randomness",
                "PixelKernels",
            ],
            path: "Sources/Data"),
        .target(name: "Conversion", dependencies: ["Datasets", "Video", "DataCore", "Formats", "Parquet"]),
        .target(name: "WanVAE", dependencies: ["Frozen", "Tensor", "Formats"]),
        .target(name: "Wan", dependencies: ["WanVAE", "Frozen", "LAMData", "Text", "Tensor", "Devices", "Formats"]),
        .target(
            name: "Configuration",
            dependencies: [
                "LAM", "LAMData", "DataCore", "NN", "Tensor", "Formats", "Collectives", "CYAML",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(name: "LatentEvaluation", path: "Sources/Evaluation", swiftSettings: optimized),
        .target(name: "Reports", dependencies: ["Formats"]),
        .target(
            name: "Loggers",
            dependencies: [
                "Configuration", "Reports", "Formats",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(
            name: "Checkpoints",
            dependencies: [
                "Configuration", "Reports", "LAM", "Frozen", "NN", "Tensor", "Formats",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(
            name: "LAMTrain",
            dependencies: [
                "Checkpoints", "Configuration", "Loggers", "LatentEvaluation", "Reports", "LAM", "LAMData", "DataCore",
                "Text",
                "Frozen",
                "NN", "Tensor",
                "Devices", "Formats", "Randomness", "Collectives",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ], path: "Sources/Train"),
        .target(
            name: "Inference",
            dependencies: [
                "LAMTrain", "Checkpoints", "Configuration", "Loggers", "LatentEvaluation", "Reports", "LAM", "LAMData",
                "Conversion",
                "Tensor", "Formats", "Parquet", "Randomness", "Collectives",
            ]),
        .target(
            name: "Parity",
            dependencies: [
                "LAMTrain", "Checkpoints", "LatentEvaluation", "LAM", "LAMData", "Text", "Wan", "WanVAE", "Frozen",
                "NN", "Tensor",
                "Devices",
                "Formats", "Randomness",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ]),
        .target(
            name: "Benchmarks",
            dependencies: ["LAMTrain", "LAM", "Text", "WanVAE", "NN", "Tensor", "Devices", "Randomness", "CBLAS"]),
        .target(
            name: "Planning",
            dependencies: [
                "LAMTrain", "Configuration", "Reports", "LAM", "LAMData", "Datasets", "Tensor", "Devices", "Formats",
            ]),
        .target(
            name: "Doctor",
            dependencies: [
                "LAMTrain", "Configuration", "Hub", "HDF5", "Video", "DataCore", "Devices", "Tensor", "Formats",
                "Collectives",
            ]),
        .executableTarget(
            name: "CLI",
            dependencies: [
                "Configuration", "Checkpoints", "LAMTrain", "Inference", "Planning", "Doctor", "Reports", "Loggers",
                "Parity",
                "Benchmarks",
                "LAMData", "Hub", "DataCore", "Conversion", "LAM", "Wan", "Devices", "Tensor", "Formats", "Parquet",
                "Collectives", "CMalloc",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "TestSupport", dependencies: ["Formats"], path: "Tests/TestSupport"),
        .target(name: "BackendConformance", dependencies: ["Tensor", "Randomness"], path: "Tests/BackendConformance"),
        .target(
            name: "AcceleratorTestSupport", dependencies: ["PJRT", "LAM", "NN", "Tensor", "Randomness"],
            path: "Tests/AcceleratorTestSupport", swiftSettings: unoptimized),
        .executableTarget(
            name: "DeviceCheck",
            dependencies: [
                "Accelerator", "PJRT", "LAM", "NN", "Tensor", "BackendConformance", "AcceleratorTestSupport",
            ], path: "Tests/DeviceCheck"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Checkpoints", "Configuration", "DataCore", "Datasets", "HDF5", "Hub", "Parquet", "Reports", "Text",
                "Video",
                "Formats", "TestSupport",
            ], path: "Tests/Fuzz"),
        .testTarget(
            name: "PJRTTests", dependencies: ["PJRT", "CPJRT", "AcceleratorTestSupport"], swiftSettings: unoptimized),
        .testTarget(
            name: "AcceleratorTests",
            dependencies: [
                "Devices", "Accelerator", "PJRT", "StableHLO", "Tensor", "NN", "LAM", "Text", "WanVAE", "Frozen",
                "Formats",
                "Randomness", "BackendConformance", "AcceleratorTestSupport", "TestSupport",
            ],
            swiftSettings: unoptimized),
        .testTarget(
            name: "TensorTests", dependencies: ["Tensor", "Kernels", "Randomness", "TestSupport", "BackendConformance"]),
        .target(
            name: "CollectivesTestSupport", dependencies: ["Collectives"], path: "Tests/CollectivesTestSupport",
            swiftSettings: unoptimized),
        .testTarget(
            name: "CollectivesTests", dependencies: ["Collectives", "CollectivesTestSupport"],
            swiftSettings: unoptimized),
        .testTarget(
            name: "NNTests", dependencies: ["NN", "Tensor", "Randomness", "TestSupport", "BackendConformance"]),
        .testTarget(
            name: "FormatsTests",
            dependencies: [
                "Formats", "Parquet", "TestSupport",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ], swiftSettings: unoptimized),
        .testTarget(
            name: "TextTests",
            dependencies: [
                "Text", "Tensor", "Formats", "TestSupport", "BackendConformance",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ], swiftSettings: unoptimized),
        .testTarget(
            name: "LAMTests",
            dependencies: ["LAM", "NN", "Tensor", "Randomness", "Formats", "TestSupport", "BackendConformance"],
            swiftSettings: unoptimized),
        .testTarget(
            name: "DataTests",
            dependencies: [
                "LAMData", "Conversion", "Formats", "Parquet", "Randomness", "CFFmpeg", "CPNG", "TestSupport",
            ], swiftSettings: unoptimized),
        .testTarget(
            name: "WanTests",
            dependencies: [
                "Wan", "WanVAE", "LAMData", "Text", "Tensor", "Formats", "TestSupport", "BackendConformance",
            ],
            swiftSettings: unoptimized),
        .testTarget(
            name: "TrainTests",
            dependencies: [
                "LAMTrain", "Checkpoints", "Configuration", "Loggers", "Inference", "LatentEvaluation", "Reports",
                "Parity",
                "CollectivesTestSupport", "TestSupport", "BackendConformance",
            ],
            swiftSettings: unoptimized),
        .testTarget(
            name: "Acceptance",
            dependencies: [
                "CLI", "LAMTrain", "Checkpoints", "Configuration", "Parity", "LAM", "Wan", "Formats", "Parquet",
                "CollectivesTestSupport", "AcceleratorTestSupport", "TestSupport",
                .product(name: "OrderedCollections", package: "swift-collections"),
            ], exclude: ["two_hosts.sh"], swiftSettings: unoptimized),
    ],
    swiftLanguageModes: [.v6]
)
