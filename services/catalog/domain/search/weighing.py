"""The figures that the ranking is made of, in one place. Chosen on a development set: judge the quality on another."""

# What a stretch of the query says, by how it was written.
FILLER = 0.06  # mere talk: 怎么办, 我想
GENERIC = 0.5  # what half of all names say: 许可, 登记
UNSEEN = 0.3  # of the rarest character's weight: asked for, and in no name at all

# What finding it in a name is worth, as a share of what it says.
SINGLE = 0.55  # one character on its own, beside what pairs say
ALIKE = 0.85  # a pair with a character that looks like the one meant
SOUND = 0.7  # a pair that sounds like the one meant
APART = 0.4  # a pair in order but not side by side, as 社(会)保(障)
NEAR = 6  # characters that may stand between the two
RUN = 1.6  # times the letters of a stretch of initials

# Official terms for everyday phrases.
RANK = 0.06  # how much less each further term is worth than the first
LEAST_RANK = 0.7
LENGTH = 0.45  # how much more each further pair of a term says
LONGEST = 2  # pairs, after which it says no more
SAID = 0.9  # at least, of what the everyday words would be worth in a name
AGAIN = 0.5  # of a term whose place in the name was taken for another phrase already
PARTLY = 0.7  # a term of which only a share was found, times that share to a power
POWER = 1.2
MISSPELT = 0.8
BY_INITIALS = 0.75
IN_A_RUN = 0.6  # times that, for three letters that begin or end a longer run of letters
ABSENT = 0.15  # of the rarest pair's weight: what each pair of a term weighs that no row holds
GENERAL = 0.15  # what is left of a term of which only generic words were found
DEFAULT = 0.9  # of a whole official name that says nothing of the action that the query asks for
NESTED = 0.55  # a phrase within a longer one that was understood

# What it is about: its department, its categories.
ABOUT = 0.25
ASKED_ABOUT = 0.5  # share of the query's words that it answers for the cut

# What makes one name fit better than another.
TOLD = 0.45  # lost by a name of which nothing was asked for
ASKED = 0.4  # lost by a name that answers nothing of the query
OTHERWISE = 0.93  # for a name that holds no word of the action that the query asks for
NEGATED = 0.96  # for 未满十八岁 where 满十八岁 was asked for
USUAL = 1.03  # for what is done the first time
LATER = 0.85  # for what is done with something one has already, unasked
EXACT = 1.15  # the whole name, or a whole everyday name

# What is found at all.
LEAST_ASKED = 0.1
LEAST_OF_BEST = 0.35
PROMISING = 0.3  # of the best candidate; less is not looked at
RANKED = 40  # candidates that are looked at closely
LONG = 20  # units of a query, beyond which fewer candidates are looked at
RANKED_IF_LONG = 20
TAIL = 0.6  # of the best candidate, for what was not looked at closely
