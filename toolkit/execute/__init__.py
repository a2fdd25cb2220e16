"""Where jobs are carried out: the executors in the box, and how often a job that dies is tried."""
