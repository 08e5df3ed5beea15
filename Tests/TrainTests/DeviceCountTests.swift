import Configuration
import Testing

/// `trainer.devices` in Lightning's forms.
@Suite struct DeviceCountTests {
    private func parse(_ text: String) throws -> DeviceCount {
        try FitArguments.parse(arguments: ["--data.dataset_mix", "[[a, 1]]", "--trainer.devices", text])
            .configuration.trainer.devices
    }

    @Test(
        "numbers, lists and all there are",
        arguments: [
            ("auto", DeviceCount.auto), ("-1", .auto), ("1", .count(1)), ("4", .count(4)), ("[0, 3]", .chosen([0, 3])),
            ("'0,3'", .chosen([0, 3])), ("'3,'", .chosen([3])), ("[2]", .chosen([2])),
        ])
    func forms(text: String, expected: DeviceCount) throws { #expect(try parse(text) == expected) }

    @Test(
        "what is none of these is refused",
        arguments: ["0", "-2", "[]", "[1, 1]", "[-1]", "'1,x'", "','", "many", "1.5"])
    func refused(text: String) {
        #expect(throws: ConfigurationError.self) { try parse(text) }
    }
}
