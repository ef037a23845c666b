from time import sleep


def do_work():
    print("Working")
    sleep(2)
    print("Done")
