import LAMTrain
import Testing

@Suite("Thread counts from the environment")
struct ThreadCountTests {
    @Test(
        "OpenMP's and Slurm's variables are read, and never exceed the CPUs that may be used",
        arguments: [
            ([:], nil), (["OMP_NUM_THREADS": "4"], 4), (["OMP_NUM_THREADS": "4,2"], 4), (["OMP_NUM_THREADS": "64"], 8),
            (["OMP_NUM_THREADS": "0"], nil), (["OMP_NUM_THREADS": "many"], nil), (["OMP_NUM_THREADS": "-1"], nil),
            (["SLURM_CPUS_PER_TASK": "3"], 3), (["SLURM_CPUS_ON_NODE": "6"], 6), (["SLURM_CPUS_ON_NODE": "6(x2)"], 6),
            (["SLURM_CPUS_ON_NODE": "6", "SLURM_NTASKS_PER_NODE": "2"], 3),
            (["SLURM_CPUS_ON_NODE": "2", "SLURM_NTASKS_PER_NODE": "4"], 1),
            (["SLURM_CPUS_PER_TASK": "3", "SLURM_CPUS_ON_NODE": "6"], 3),
            (["OMP_NUM_THREADS": "2", "SLURM_CPUS_PER_TASK": "3"], 2),
            (["OMP_NUM_THREADS": "99999999999999999999"], nil),
        ] as [([String: String], Int?)])
    func requested(environment: [String: String], expected: Int?) {
        #expect(ThreadCount.requested(by: environment, usable: 8) == expected)
    }
}
