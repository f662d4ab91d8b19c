"""Pure judgement: is what was published true?"""
