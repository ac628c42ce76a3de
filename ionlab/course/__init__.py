"""The course as files: lessons and their contract, student copies, the book, grading.

`lessons` finds the notebooks and links them, `contract` holds them to what the other three rely
on, `student` writes copies without answers, `book` executes and prints, `grade` judges what
students handed in.
"""
