from services.media.opencv import let_opencv_threads_sleep

let_opencv_threads_sleep()  # as the processes do whose code the benches call, and as early
