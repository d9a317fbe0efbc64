"""The clerk's desk (văn thư): what waits, registering it, answering it, sending, and the registers.

Services without a page: plain calls with the clerk who makes them. A clerk sees and acts for own offices alone;
what is another office's does not exist. What leaves is accepted by the journey like any other message.
"""
