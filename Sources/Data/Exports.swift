// Whoever imports the module of training data has the datasets, their videos, the hub and the errors with it.
@_exported import DataCore
@_exported import Datasets
@_exported import HDF5
@_exported import Hub
@_exported import PlainVideo
@_exported import Video
