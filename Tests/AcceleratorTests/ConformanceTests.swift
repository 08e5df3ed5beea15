import Accelerator
import AcceleratorTestSupport
import BackendConformance
import PJRT
import Tensor
import Testing

@Suite(
    "Conformance of a plugin's device", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct ConformanceTests {
    @Test("every operation conforms in f32 and bf16", arguments: BackendConformance.checks)
    func conforms(check: BackendConformance) throws {
        let backend = RecordingBackend(
            try #require(TestPlugin.client), settings: CompilationSettings(options: TestPlugin.options))
        for failure in check.failures(on: backend) { Issue.record("\(failure)") }
        try backend.synchronize()
    }
}
