extension LeRobotDataset {
    func requireMatchingDataFiles() throws {}
}
